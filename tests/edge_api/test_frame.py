"""Every answer carries its request id and the headers that keep browsers out of trouble."""

import pytest

from tests.support.edge import Edge

PATHS = ["/", "/api/", "/api/docs/", "/api/redoc/", "/api/openapi.json", "/static/landing.css", "/api/inquiries/"]
FAILING = ["/nope", "/api/inquiries/create/", "/api/inquiries/x/", "/static/nope"]


@pytest.mark.parametrize("path", PATHS + FAILING)
async def test_security_headers_are_on_every_answer(api: Edge, path: str) -> None:
    headers = (await api.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Server"] == "pok"
    assert len(headers["X-Request-Id"]) == 32


@pytest.mark.parametrize("path", ["/api/", "/api/inquiries/", "/api/health/live", "/nope"])
async def test_json_is_not_stored_by_caches(api: Edge, path: str) -> None:
    assert (await api.get(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sent", ["abc", "A.b-c_1", "x" * 64])
async def test_request_id_of_the_caller_is_kept(api: Edge, sent: str) -> None:
    assert (await api.get("/api/", headers={"X-Request-Id": sent})).headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "two words", "x" * 65, '{"a":1}', "a\tb"])
async def test_request_id_that_could_spoil_a_log_is_replaced(api: Edge, sent: str) -> None:
    answered = (await api.get("/api/", headers={"X-Request-Id": sent})).headers["X-Request-Id"]
    assert answered != sent
    assert len(answered) == 32
