"""Which pages of other sites may read answers: those on the list, and without cookies."""

import re

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d+)?|https?://\[[0-9a-f:.]+\](:\d+)?")
PREFLIGHT = (
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
        b"Last-Event-ID, X-Request-Id, X-Tracking-Token",
    ),
    (b"access-control-max-age", b"600"),
)
EXPOSED = (
    b"access-control-expose-headers",
    b"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
)


class Origins:
    """The origins in `https://a.example,https://b.example`, or `*` for all; raises ValueError for anything else."""

    def __init__(self, listed: str = "") -> None:
        self._listed = {entry.strip() for entry in listed.split(",") if entry.strip()}
        if wrong := [entry for entry in self._listed if entry != "*" and not ORIGIN.fullmatch(entry)]:
            raise ValueError(f"origins are written like https://shop.example, without a path; {len(wrong)} are not")

    @property
    def any(self) -> bool:
        """Whether every origin may."""
        return "*" in self._listed

    def __contains__(self, origin: str) -> bool:
        return self.any or origin in self._listed

    def __bool__(self) -> bool:
        return bool(self._listed)


class Cors:
    """Adds to answers what lets listed origins read them; a preflight is the answer to OPTIONS with more headers."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave everything else as it is."""
        if scope["type"] != ScopeType.HTTP or not self._origins:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                message["headers"] = [*headers, *self._additions(scope, headers)]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _additions(self, scope: HTTPScope, answered: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        asked = dict(scope["headers"])
        origin = asked.get(b"origin")
        additions = [(b"vary", b"Origin")]
        if origin is None or origin.decode("latin-1") not in self._origins:
            return additions
        additions += [(b"access-control-allow-origin", origin), EXPOSED]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            additions += [(b"access-control-allow-methods", value) for name, value in answered if name == b"allow"]
            additions += PREFLIGHT
        return additions
