"""What surrounds every request, also those that no route answers: client, request id, deadline, security headers."""

import re
import time
from collections.abc import Callable, Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from edge_api import metrics
from edge_api.deadlines import USUAL
from edge_api.proxies import Proxies
from runtime import tracing
from runtime.rpc import context
from runtime.rpc.context import Principal

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

ALWAYS = (
    (b"server", b"pok"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
# A page or a static file says otherwise itself.
UNLESS_SET = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
OVER_TLS = (b"strict-transport-security", b"max-age=31536000")


class Frame:
    """The outermost layer of the application; `public_tls` says that browsers reach it over TLS in any case."""

    def __init__(
        self,
        app: ASGIApp,
        proxies: Proxies,
        *,
        public_tls: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._public_tls = public_tls
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Enter a call with the client's address, its request id or a new one, and send that back with the answer."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        since = time.perf_counter()
        # Whoever comes from outside does not decide what is traced.
        parent = _header(scope, b"traceparent") if self._proxies.vouch_for(scope) else ""
        address = self._proxies.reveal(scope)
        request_id = _request_id(scope)
        context.enter(
            context.Call(request_id=request_id, principal=Principal(address=address), deadline=self._now() + USUAL)
        )
        added: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode())]
        if self._public_tls or scope["scheme"] == "https":
            added.append(OVER_TLS)
        scope["state"] = {"added_headers": added}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                operation = metrics.answered(scope, message["status"], since)
                span.describe(operation, http__response__status_code=message["status"])
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                headers += ALWAYS
                headers += [header for header in UNLESS_SET if header[0] not in present]
                message["headers"] = headers + added
            await send(message)

        with tracing.span(scope["method"], "server", parent=parent, enter=True) as span:
            span.describe(http__request__method=scope["method"], pok__request_id=request_id)
            await self._app(scope, receive, send_with_headers)


def add_headers(scope: Scope, headers: Mapping[str, str]) -> None:
    """Have the frame add these to the answer, whatever it will be."""
    scope["state"]["added_headers"] += [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _header(scope: Scope, header: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == header), "")


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return context.new_request_id()
