"""Hostile text in every parameter, header, path and field of every operation is only text."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from edge_api.document import FILES
from tests.edge_api.conftest import Newcomer
from tests.support.document import OPERATIONS, Operation
from tests.support.edge import Edge

AT_ONCE = 8
HOSTILE = [
    "'",
    '"',
    "\\",
    "' OR '1'='1",
    "'; DROP TABLE inquiry; --",
    "1; SELECT pg_sleep(10)--",
    "') UNION SELECT email, password_hash FROM account --",
    "%' AND 1=1 --",
    "%_%",
    "$1",
    ":id",
    "%s%s%n%x",
    "{0.__class__.__mro__}",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "$(id)",
    "`id`",
    "| cat /etc/passwd",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    '{"$gt": ""}',
    '{"level":"error","event":"forged"}',
    "line\nlevel=error forged=1",
    "a\r\nSet-Cookie: a=b",
    "\u202eevil",
    "\u0000",
    "ﷺ" * 30,
    "(a+)+" * 20 + "!",
]

Request = dict[str, Any]


def requests_of(operation: Operation, text: str) -> Iterator[Request]:
    """One request for each place of the operation that takes a text."""
    if operation.has_object:
        yield {"url": operation.address(quote(text, safe=""))}
    for parameter in operation.declared["parameters"]:
        if parameter["in"] == "query":
            yield {"params": {parameter["name"]: text}}
        elif parameter["in"] == "header" and not set(text) & {"\r", "\n", "\0"}:  # no HTTP client could send those
            yield {"headers": {parameter["name"]: text.encode()}}
    if operation.upload:
        yield {"content": text.encode()}
        yield {"content": operation.upload[1].replace("Ana", text).encode()}
    for field in operation.body.get("properties", {}):
        yield {"json": {**operation.good(), field: text}}
        yield {"json": {**operation.good(), text: field}}
        yield {"json": {**operation.good(), field: [text]}}


async def answers(api: Edge, operation: Operation, admin: dict[str, str], text: str) -> list[httpx.Response]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def sent(request: Request) -> httpx.Response:
        content = operation.content()
        headers = {**admin, **content.get("headers", {}), **request.get("headers", {})}
        complete = {"url": operation.address(), **content, **request, "headers": headers}
        async with gate:
            return await api.request(operation.method, **complete)

    return await asyncio.gather(*map(sent, requests_of(operation, text)))


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_only_text(api: Edge, newcomer: Newcomer, text: str) -> None:
    admin = await newcomer("admin")
    for operation in OPERATIONS.values():
        for answer in await answers(api, operation, admin, text):
            sent = f"{operation.name} {answer.request.url} {answer.request.content!r}"
            assert answer.status_code < 500, sent
            assert "set-cookie" not in answer.headers, sent
            wanted = (
                ("application/problem+json",) if answer.is_error else FILES.get(operation.name, ("application/json",))
            )
            assert not answer.content or answer.headers["Content-Type"].startswith(wanted), sent
