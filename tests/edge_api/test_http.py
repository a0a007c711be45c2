"""The API keeps HTTP's own rules: HEAD, conditional GET, gzip, CORS, OPTIONS, HSTS."""

import gzip
from collections.abc import AsyncIterator

import pytest

from tests.edge_api.conftest import Login
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, edge, problem

PAGES = ["/", "/api/", "/api/docs/", "/api/openapi.json", "/static/landing.css", "/api/inquiries/", "/api/health/live"]
SHOP = "https://shop.example"
INQUIRY = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "m"}


@pytest.fixture(scope="module")
async def public(stub: BackendStub) -> AsyncIterator[Edge]:
    """An edge behind a proxy that a shop's pages may call."""
    async with edge(stub.address, POK_CORS_ORIGINS=SHOP, POK_TRUSTED_PROXIES="127.0.0.0/8") as client:
        yield client


@pytest.fixture
async def staff_path(api: Edge, headers_of: Login) -> str:
    """Where a new inquiry is."""
    await headers_of("support")
    return str((await api.post("/api/inquiries/create/", json=INQUIRY)).headers["Location"])


@pytest.mark.parametrize("path", PAGES)
async def test_head_answers_like_get_without_the_body(api: Edge, path: str) -> None:
    asked = {"Accept-Encoding": "identity"}
    got, head = await api.get(path, headers=asked), await api.head(path, headers=asked)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Content-Security-Policy", "Cache-Control"):
        assert head.headers[name] == got.headers[name], name
    assert int(head.headers["Content-Length"]) == len(got.content)


async def test_head_where_there_is_no_get_is_not_allowed(api: Edge) -> None:
    answer = await api.head("/api/token/")
    assert (answer.status_code, answer.content) == (405, b"")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/inquiries/", "GET, HEAD, OPTIONS"),
        ("/api/token/", "OPTIONS, POST"),
    ],
)
async def test_options_names_the_methods(api: Edge, path: str, methods: str) -> None:
    answer = await api.options(path)
    assert (answer.status_code, answer.headers["Allow"]) == (204, methods)


async def test_unchanged_inquiry_is_not_sent_again(api: Edge, headers_of: Login, staff_path: str) -> None:
    staff = await headers_of("support")
    tag = (await api.get(staff_path, headers=staff)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        answer = await api.get(staff_path, headers={**staff, "If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    await api.patch(staff_path, json={"priority": "urgent"}, headers=staff)
    changed = await api.get(staff_path, headers={**staff, "If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


async def test_answer_without_a_version_is_always_sent(api: Edge, staff_path: str) -> None:
    assert (await api.get(staff_path, headers={"If-None-Match": "*"})).status_code == 200


async def test_unchanged_file_is_not_sent_again(api: Edge) -> None:
    tag = (await api.get("/static/landing.css")).headers["ETag"]
    assert (await api.get("/static/landing.css", headers={"If-None-Match": tag})).status_code == 304


@pytest.mark.parametrize("path", ["/api/openapi.json", "/static/swagger-ui-dist/swagger-ui-bundle.js", "/"])
async def test_large_text_is_compressed_for_those_who_take_it(api: Edge, path: str) -> None:
    plain = await api.get(path, headers={"Accept-Encoding": "identity"})
    for _ in range(2):
        async with api.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
            raw = b"".join([chunk async for chunk in packed.aiter_raw()])
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(raw) < len(plain.content)
        assert gzip.decompress(raw) == plain.content
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("accepted", ["gzip;q=0", "br", "identity", "br, gzip; q=0, *"])
async def test_nobody_gets_gzip_who_does_not_take_it(api: Edge, accepted: str) -> None:
    answer = await api.get("/api/openapi.json", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers


async def test_small_answer_is_not_compressed(api: Edge) -> None:
    assert "Content-Encoding" not in (await api.get("/api/", headers={"Accept-Encoding": "gzip"})).headers


async def test_listed_origin_may_read_answers_and_errors_without_cookies(public: Edge) -> None:
    for path in ("/api/inquiries/", "/api/inquiries/?colour=red", "/nope"):
        headers = (await public.get(path, headers={"Origin": SHOP})).headers
        assert headers["Access-Control-Allow-Origin"] == SHOP
        assert "Origin" in headers["Vary"]
        assert "RateLimit" in headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example"]
)
async def test_other_origins_may_not(public: Edge, api: Edge, origin: str) -> None:
    for client in (public, api):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for answer in (await client.get("/api/", headers=asked), await client.options("/api/token/", headers=asked)):
            assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_answers_differ_by_origin_for_caches(public: Edge) -> None:
    assert "Origin" in (await public.get("/api/")).headers["Vary"]


async def test_preflight_names_methods_and_headers(public: Edge) -> None:
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await public.options("/api/inquiries/create/", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]


async def test_browsers_are_bound_to_tls_once_they_use_it(public: Edge, api: Edge, stub: BackendStub) -> None:
    forwarded = {"X-Forwarded-Proto": "https"}
    name = "Strict-Transport-Security"
    assert name in (await public.get("/nope", headers=forwarded)).headers
    assert name not in (await public.get("/api/")).headers
    assert name not in (await api.get("/api/", headers=forwarded)).headers
    async with edge(stub.address, POK_PUBLIC_URL="https://help.example.org") as client:
        answer = await client.get("/api/token/")
        problem(answer, 405, "method-not-allowed")
        assert name in answer.headers
