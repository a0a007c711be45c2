"""Nothing that a client can send is our failure: every answer is a problem with a status below 500 that helps."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import httpx
import pytest

from edge_api.body import MAX_BODY
from tests.edge_api.conftest import Login, Newcomer
from tests.support.document import SCHEMAS, TEXT_WRITES, WRITES, Operation
from tests.support.edge import Edge, problem

SOMEWHERE = "/api/inquiries/0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f/"
INQUIRY = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "m"}
JSON = {"Content-Type": "application/json"}
ANSWERED = sorted({name for schema in SCHEMAS.values() for name in schema["properties"]})
"""Every field of every schema: most are nobody's to set."""

MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"message": "\xff"}',
    "UTF-16": '{"message": "m"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "NaN": b'{"message": NaN}',
    "Infinity": b'{"message": -Infinity}',
    "a number beyond all measure": b'{"value": 1e400}',
    "a number of 10,000 digits": b'{"message": ' + b"9" * 10_000 + b"}",
    "a very small number": b'{"message": 1e-99999}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 40_000,
    "a deep field": b'{"message": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "two values": b"{} {}",
    "trailing comma": b'{"message": "m",}',
}


class Everywhere(Protocol):
    """Sends a request made for each of these operations."""

    async def __call__(
        self, request_for: Callable[[Operation], dict[str, Any]], operations: Mapping[str, Operation] = WRITES
    ) -> list[tuple[Operation, httpx.Response]]:
        """The answers."""


@pytest.fixture
async def everywhere(api: Edge, newcomer: Newcomer) -> Everywhere:
    """Sends a request made for each operation that takes a body, as somebody who may, and returns the answers."""
    admin = await newcomer("admin")

    async def send(
        request_for: Callable[[Operation], dict[str, Any]], operations: Mapping[str, Operation] = WRITES
    ) -> list[tuple[Operation, httpx.Response]]:
        async def sent(operation: Operation) -> tuple[Operation, httpx.Response]:
            request = request_for(operation)
            headers = {**admin, **request.pop("headers", {})}
            return operation, await api.request(operation.method, operation.address(), headers=headers, **request)

        return await asyncio.gather(*map(sent, operations.values()))

    return send


@pytest.mark.parametrize("what", MALFORMED)
async def test_malformed_body_is_refused(everywhere: Everywhere, what: str) -> None:
    for _, answer in await everywhere(lambda _: {"content": MALFORMED[what], "headers": JSON}):
        problem(answer, 400, "invalid-request")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, [[]], {"a": "b"}], ids=str)
async def test_wrong_type_is_refused(everywhere: Everywhere, value: Any) -> None:
    for operation, answer in await everywhere(
        lambda operation: {"json": {**operation.good(), operation.text(): value}}, TEXT_WRITES
    ):
        assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == operation.text()


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udc00\\ud800", "\\u001b", "\\u007f"])
async def test_text_that_is_no_text_is_refused(everywhere: Everywhere, text: str) -> None:
    def request_for(operation: Operation) -> dict[str, Any]:
        return {"content": f'{{"{operation.text()}": "a{text}b"}}'.encode(), "headers": JSON}

    for operation, answer in await everywhere(request_for, TEXT_WRITES):
        assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == operation.text()


@pytest.mark.parametrize("name", ["unknown", "id", "role", "__proto__", "", "a\\u0000", "\\ud800", "x" * 5000])
async def test_unknown_field_is_refused(everywhere: Everywhere, name: str) -> None:
    for _, answer in await everywhere(lambda _: {"content": f'{{"{name}": 1}}'.encode(), "headers": JSON}):
        assert len(problem(answer, 400, "invalid-request")["errors"][0]["field"]) <= 100


@pytest.mark.parametrize("field", ANSWERED)
async def test_no_write_takes_a_field_that_only_the_service_sets(everywhere: Everywhere, field: str) -> None:
    for operation, answer in await everywhere(lambda operation: {"json": {**operation.good(), field: "x"}}):
        if field not in operation.body["properties"]:
            assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == field


async def test_field_given_twice_is_refused(everywhere: Everywhere) -> None:
    def request_for(operation: Operation) -> dict[str, Any]:
        pair = f'"{operation.text()}": "{operation.good()[operation.text()]}"'
        return {"content": f"{{{pair}, {pair}}}".encode(), "headers": JSON}

    for _, answer in await everywhere(request_for, TEXT_WRITES):
        assert "twice" in problem(answer, 400, "invalid-request")["detail"]


async def test_blank_text_is_refused(everywhere: Everywhere) -> None:
    for operation, answer in await everywhere(
        lambda operation: {"json": {**operation.good(), operation.text(): " \n\t "}}, TEXT_WRITES
    ):
        if operation.text() != "password":  # passwords are taken as they are
            assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == operation.text()


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_of_more_than_256_kb_is_refused(everywhere: Everywhere, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 1024 + 1):
            yield b" " * 1024

    def request_for(_: Operation) -> dict[str, Any]:
        return {"content": chunks() if chunked else b" " * (MAX_BODY + 1), "headers": JSON}

    for _, answer in await everywhere(request_for):
        problem(answer, 413, "body-too-large")
        assert answer.headers["Connection"] == "close"  # else the next request may meet its end


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"])
async def test_body_that_is_not_json_is_refused(everywhere: Everywhere, kind: str) -> None:
    for _, answer in await everywhere(lambda _: {"content": b"{}", "headers": {"Content-Type": kind}}):
        problem(answer, 415, "unsupported-media-type")


async def test_every_wrong_field_is_named(api: Edge) -> None:
    body = {"customer_name": "", "customer_email": "ana.example.org", "subject": "s" * 301, "massage": "m"}
    errors = problem(await api.post("/api/inquiries/create/", json=body), 400, "invalid-request")["errors"]
    assert {error["field"]: error["message"] for error in errors} == {
        "massage": "is not known here; known are consent_version, customer_email, customer_name, external_id, "
        "fill_seconds, message, subject, website",
        "customer_name": "must be a text of 1 to 200 characters",
        "customer_email": "must be an e-mail address of at most 254 characters, such as ana@example.org",
        "subject": "must be a text of 1 to 300 characters",
        "message": "is required",
    }


@pytest.mark.parametrize(
    "address",
    ["ana", "@", "ana@", "@example.org", "ana@@example.org", "a na@example.org", "ana@\x85", "a\x80@example.org"],
)
async def test_what_is_no_email_address_is_refused(api: Edge, address: str) -> None:
    answer = await api.post("/api/inquiries/create/", json={**INQUIRY, "customer_email": address})
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == "customer_email"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_size=1e400", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=1&page_size=2", "page_size"),
        ("status=sad", "status"),
        ("status=new,sad", "status"),
        ("triage_state=unspecified", "triage_state"),
        ("q=%00", "q"),
        ("q=" + "x" * 201, "q"),
        ("category=" + "x" * 101, "category"),
        ("page_token=" + "x" * 1001, "page_token"),
    ],
)
async def test_wrong_parameter_is_named(api: Edge, query: str, field: str) -> None:
    body = problem(await api.get(f"/api/inquiries/?{query}"), 400, "invalid-request")
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize("token", ["x", "🦊", "AAAA", "' or 1=1 --", "e30", "eyJhIjoxfQ=="])
async def test_page_token_that_we_did_not_give_is_refused(api: Edge, token: str) -> None:
    problem(await api.get("/api/inquiries/", params={"page_token": token}), 400, "bad-page-token")


@pytest.mark.parametrize("key", ["", "two words", "ñandú", "x" * 256, "short"])
async def test_bad_idempotency_key_is_refused(api: Edge, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await api.post("/api/inquiries/create/", json=INQUIRY, headers=headers)
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("tag", ["", "3", '"x"', '"0"', 'W/"3"', '"1", "2"', '"-1"', f'"{"9" * 30}"'])
async def test_bad_if_match_is_refused(api: Edge, headers_of: Login, tag: str) -> None:
    headers = {**await headers_of("support"), "If-Match": tag}
    answer = await api.patch(SOMEWHERE, json={"status": "open"}, headers=headers)
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == "If-Match"


@pytest.mark.parametrize("path", ["x", "1", "%00", "%ff", "..%2f..", "0198c0de", "a" * 3000, "' or 1=1 --"])
async def test_bad_id_is_not_found(api: Edge, path: str) -> None:
    problem(await api.get(f"/api/inquiries/{path}/"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/inquiries/create/", {"POST"}),
        ("DELETE", "/api/inquiries/", {"GET"}),
        ("PUT", SOMEWHERE, {"GET", "PATCH", "DELETE"}),
        ("GET", "/api/token/", {"POST"}),
        ("POST", "/", {"GET"}),
        ("POST", "/api/openapi.json", {"GET"}),
    ],
)
async def test_wrong_method_names_the_right_ones(api: Edge, method: str, path: str, allowed: set[str]) -> None:
    answer = await api.request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {*allowed, "OPTIONS", *(["HEAD"] if "GET" in allowed else [])}


async def test_bad_host_is_refused(api: Edge) -> None:
    problem(await api.get("/api/inquiries/", headers={"Host": "a/b"}), 400, "invalid-request")


@pytest.mark.parametrize(
    "path", ["/nope", "/api/nope/", "/static/nope.js", "/static/..%2fapp.py", "/api/openapi.json/x"]
)
async def test_unknown_path_is_not_found(api: Edge, path: str) -> None:
    problem(await api.get(path), 404, "not-found")
