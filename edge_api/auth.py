"""Authentication and authorisation of every request, before its handler: default deny."""

import msgspec
from litestar.exceptions import NotFoundException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from edge_api import deadlines
from edge_api.access import OPEN, OPERATIONS, operation_of
from edge_api.backend import Backend
from edge_api.tokens import AccessTokens
from runtime.rpc import context
from runtime.rpc.context import ANONYMOUS, Principal
from runtime.rpc.errors import PermissionDenied, Unauthenticated


class Gate(ASGIMiddleware):
    """Finds out who calls, lets them pass if the access table does, and makes them the principal of the call.

    From here on the call has the time that its operation may take.
    """

    def __init__(self, tokens: AccessTokens, backend: Backend) -> None:
        self._tokens = tokens
        self._backend = backend

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer 401 or 403 for those who may not pass."""
        operation = operation_of(scope["route_handler"])
        if operation not in OPEN:
            await self._admit(operation, scope)
        deadlines.prolong(operation)
        await next_app(scope, receive, send)

    async def _admit(self, operation: str, scope: Scope) -> None:
        roles = OPERATIONS.get(operation)
        if roles is None:
            raise NotFoundException
        principal = await self._principal(scope)
        call = context.current() or context.Call(request_id=context.new_request_id())
        principal = msgspec.structs.replace(principal, address=call.principal.address)
        context.enter(msgspec.structs.replace(call, principal=principal))
        if principal.role not in roles:
            raise PermissionDenied(f"This is for {' and '.join(sorted(roles))} only.")

    async def _principal(self, scope: Scope) -> Principal:
        presented = [value for name, value in scope["headers"] if name == b"authorization"]
        if not presented:
            return ANONYMOUS
        scheme, _, token = presented[0].decode("latin-1").partition(" ")
        if len(presented) > 1 or scheme.lower() != "bearer":
            raise Unauthenticated("Send one header `Authorization: Bearer <access token>`.", reason="BAD_TOKEN")
        claims = self._tokens.verify(token.strip())
        scope["state"]["token_expiry"] = claims.exp
        principal = await self._backend.sessions.principal(claims.sid)
        if principal.account_id != claims.sub:
            raise Unauthenticated("The access token is not valid.", reason="BAD_TOKEN")
        return principal
