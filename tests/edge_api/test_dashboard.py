"""The built dashboard as the edge serves it: one page for every address it knows, files that browsers may keep."""

import base64
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, edge, problem

SCRIPT = "document.title = 'POK'"
PAGE = f"<!doctype html><script>{SCRIPT}</script><script src=/_nuxt/a.js></script>"


@pytest.fixture
async def api(stub: BackendStub, tmp_path: Path) -> AsyncIterator[Edge]:
    (tmp_path / "_nuxt").mkdir()
    (tmp_path / "200.html").write_text(PAGE)
    (tmp_path / "_nuxt" / "a.js").write_text("let a")
    (tmp_path / "_nuxt" / "a.js.gz").write_bytes(gzip.compress(b"let a"))
    async with edge(stub.address, POK_WEB_FOLDER=str(tmp_path)) as api:
        yield api


@pytest.mark.parametrize("path", ["/", "/inbox", "/inbox/0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f", "/nope", "/apikeys"])
async def test_every_address_of_a_page_gets_the_page(api: Edge, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_page_runs_its_own_scripts_and_no_other(api: Edge) -> None:
    policy = (await api.get("/login")).headers["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-ancestors 'none'" in policy


async def test_file_is_kept_for_ever_and_sent_as_it_was_compressed(api: Edge) -> None:
    answer = await api.get("/_nuxt/a.js", headers={"Accept-Encoding": "br;q=0, gzip"})
    assert (answer.text, answer.headers["Content-Encoding"]) == ("let a", "gzip")
    assert "immutable" in answer.headers["Cache-Control"]
    plain = await api.get("/_nuxt/a.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, "Content-Encoding" in plain.headers) == ("let a", False)


async def test_page_that_is_known_is_not_sent_again(api: Edge) -> None:
    known = (await api.get("/inbox")).headers["ETag"]
    assert (await api.get("/inbox", headers={"If-None-Match": known})).status_code == 304


@pytest.mark.parametrize("path", ["/_nuxt/b.js", "/favicon.ico", "/..%2f..%2fetc%2fpasswd.txt", "/api/nope/"])
async def test_file_that_is_not_there_is_not_found(api: Edge, path: str) -> None:
    problem(await api.get(path), 404, "not-found")


async def test_page_is_got_and_nothing_else(api: Edge) -> None:
    assert (await api.head("/inbox")).status_code == 200
    assert (await api.post("/inbox")).status_code in {404, 405}
