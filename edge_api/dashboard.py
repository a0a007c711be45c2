"""The built dashboard: files from memory, compressed when they were built, and one page for every address it knows."""

import base64
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

PAGE = "200.html"
"""What the router of the dashboard starts from, whatever the address."""

NOT_OURS = ("/api/", "/static/")
FOR_EVER = b"public, max-age=31536000, immutable"
ENCODINGS = {".br": "br", ".gz": "gzip"}
"""In the order in which they are preferred."""

SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)([^>]*)>(.*?)</script>", re.DOTALL)

Headers = list[tuple[bytes, bytes]]


class File(msgspec.Struct, frozen=True):
    """One file in the encodings in which it was built; an empty name is the file as it is."""

    headers: Headers
    bodies: Mapping[str, bytes]


class Dashboard:
    """Serves the dashboard in front of an application; passes everything on where none was built."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        paths = {f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
        self._files = {name: _file(name, paths) for name, path in paths.items() if path.suffix not in ENCODINGS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET for a file, or with the page for any other address without a file's extension."""
        file = self._find(scope["path"]) if scope["type"] == ScopeType.HTTP and scope["method"] == "GET" else None
        if file is None:
            await self._app(scope, receive, send)
            return
        encoding = _accepted(scope, file)
        body = file.bodies[encoding]
        headers = [*file.headers, (b"content-length", str(len(body)).encode())]
        if encoding:
            headers.append((b"content-encoding", encoding.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _find(self, path: str) -> File | None:
        if f"{path}/".startswith(NOT_OURS):
            return None
        found = self._files.get(path)
        if found is None and not PurePosixPath(path).suffix:
            found = self._files.get(f"/{PAGE}")
        return found


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: its own scripts by their hashes, everything else from this origin."""
    hashes = (
        f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'"
        for attributes, body in SCRIPT.findall(page)
        if b"application/json" not in attributes
    )
    return (
        f"default-src 'self'; script-src 'self' {' '.join(hashes)}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def _file(name: str, paths: Mapping[str, Path]) -> File:
    body = paths[name].read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith(("javascript", "json"))
    headers: Headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode() if text else kind.encode()),
        (b"etag", f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'.encode()),
        (b"vary", b"Accept-Encoding"),
        (b"cache-control", FOR_EVER if name.startswith("/_nuxt/") else b"no-cache"),
    ]
    if kind == "text/html":
        headers.append((b"content-security-policy", policy(body).encode()))
    built = {encoding: paths.get(f"{name}{suffix}") for suffix, encoding in ENCODINGS.items()}
    return File(headers, {**{encoding: path.read_bytes() for encoding, path in built.items() if path}, "": body})


def _accepted(scope: Scope, file: File) -> str:
    asked = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding").decode("latin-1")
    wanted = {part.partition(";")[0].strip() for part in asked.split(",") if not re.search(r";\s*q=0(\.0*)?\s*$", part)}
    return next((encoding for encoding in file.bodies if encoding in wanted), "")
