"""HTTP for every route at once: HEAD, conditional GET, gzip."""

import asyncio
import gzip
import re
from collections.abc import Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

MIN_GZIP = 1024
MAX_WHOLE = 8 * 1024 * 1024
"""Bytes; what is larger, or of unknown length like a stream, passes as it comes."""

LEVEL = 5
AT_ONCE = 64 * 1024
"""Bytes that are compressed in place; more would hold up other requests and goes to a thread."""

MAX_KEPT = 64
"""Public files whose compressed form is kept."""

TEXT = re.compile(rb"text/|application/(?:[\w.-]+\+)?json|application/javascript|image/svg")
NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")
OF_THE_BODY = frozenset({b"content-length", b"content-type", b"content-encoding"})

Header = tuple[bytes, bytes]


class Exchange:
    """Turns what a GET handler answers into what the client has asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, bytes], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold an answer of known length until it is whole; let streams pass."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            scope["method"] = "GET"
        held: HTTPResponseStartEvent | None = None
        ended = False
        body = bytearray()

        async def send_shaped(message: Message) -> None:
            nonlocal held, ended
            if ended:
                return
            if message["type"] == "http.response.start":
                message["headers"] = [_allow(header) for header in message["headers"]]
                if _is_whole(message):
                    held = message
                    return
                await send(message)
                if head:
                    ended = True
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif message["type"] == "http.response.body" and held is not None:
                body.extend(message["body"])
                if not message["more_body"]:
                    content = await self._shape(scope, held, bytes(body))
                    await send(held)
                    await send({"type": "http.response.body", "body": b"" if head else content, "more_body": False})
            else:
                await send(message)

        await self._app(scope, receive, send_shaped)

    async def _shape(self, scope: HTTPScope, start: HTTPResponseStartEvent, body: bytes) -> bytes:
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        headers = list(start["headers"])
        answered = dict(headers)
        if scope["method"] == "GET" and start["status"] == 200 and _is_known(asked, answered):
            start["status"] = 304
            start["headers"] = [header for header in headers if header[0] not in OF_THE_BODY]
            return b""
        if not _is_worth_gzip(answered, body):
            return body
        headers.append((b"vary", b"Accept-Encoding"))
        accepted = asked.get(b"accept-encoding", "")
        if "gzip" in accepted and not NO_GZIP.search(accepted):
            body = await self._compressed(scope["path"], answered, body)
            headers = [header for header in headers if header[0] != b"content-length"]
            headers += [(b"content-encoding", b"gzip"), (b"content-length", str(len(body)).encode())]
        start["headers"] = headers
        return body

    async def _compressed(self, path: str, answered: Mapping[bytes, bytes], body: bytes) -> bytes:
        if b"public" not in answered.get(b"cache-control", b""):
            return await _gzip(body)
        key = (path, answered.get(b"etag", b""))
        if key not in self._kept:
            compressed = await _gzip(body)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = compressed
        return self._kept[key]


async def _gzip(body: bytes) -> bytes:
    if len(body) <= AT_ONCE:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)


def _allow(header: Header) -> Header:
    """Whatever may be got may be asked for its head."""
    name, value = header
    return (name, value.replace(b"GET", b"GET, HEAD")) if name == b"allow" else header


def _is_whole(start: HTTPResponseStartEvent) -> bool:
    length = dict(start["headers"]).get(b"content-length")
    return length is not None and int(length) <= MAX_WHOLE


def _is_known(asked: Mapping[bytes, str], answered: Mapping[bytes, bytes]) -> bool:
    tag = answered.get(b"etag")
    if tag is None:
        return False
    known = [entry.strip().removeprefix("W/") for entry in asked.get(b"if-none-match", "").split(",")]
    return "*" in known or tag.decode("latin-1").removeprefix("W/") in known


def _is_worth_gzip(answered: Mapping[bytes, bytes], body: bytes) -> bool:
    kind = answered.get(b"content-type", b"")
    return len(body) >= MIN_GZIP and b"content-encoding" not in answered and TEXT.match(kind) is not None
