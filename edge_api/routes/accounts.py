"""Accounts: log in, stay logged in, log out, register."""

from litestar import Response, post
from litestar.datastructures import ResponseHeader
from pok.account.v1 import account_pb2

from edge_api import cookies
from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.accounts import Credentials, Refresh, Registered, Registration, Revocation, TokenPair
from edge_api.tokens import LIFETIME
from runtime.rpc import context
from runtime.rpc.errors import Unauthenticated

MAX_USER_AGENT = 300

COOKIE = ResponseHeader(
    name="Set-Cookie",
    documentation_only=True,
    description=f"`{cookies.NAME}`, where the refresh token is kept in the cookie.",
)


@post(
    "/api/token",
    status_code=200,
    summary="Log in",
    tags=["accounts"],
    response_description="The session is open.",
    response_headers=[COOKIE],
    **operation("create_token", 401, 403, *BODY_ERRORS),
)
async def create_token(request: EdgeRequest, data: Credentials) -> Response[TokenPair]:
    """Opens a session. Unknown addresses and wrong passwords are answered alike.

    Failures make further attempts wait: 1 s after the fifth for an account, and twice as long after each one more, up
    to 15 minutes. An address from which somebody has logged in before does not wait for the failures of others.
    """
    if data.cookie:
        cookies.require_same_origin(request)
    async with request.login_throttle.attempt(data.email, context.principal().address):
        response = await request.backend.accounts.CreateSession(
            account_pb2.CreateSessionRequest(email=data.email, password=data.password, user_agent=_user_agent(request))
        )
    return _token_pair(request, response.session, in_cookie=data.cookie)


@post(
    "/api/token/refresh",
    status_code=200,
    summary="Get a new access token",
    tags=["accounts"],
    response_description="The session goes on.",
    response_headers=[COOKIE],
    **operation("refresh_token", 401, 403, *BODY_ERRORS),
)
async def refresh_token(request: EdgeRequest, data: Refresh) -> Response[TokenPair]:
    """Exchanges a refresh token for a new pair. Each works once: using a spent one ends its session."""
    token = data.refresh or _cookie_of(request)
    response = await request.backend.accounts.RefreshSession(account_pb2.RefreshSessionRequest(refresh_token=token))
    return _token_pair(request, response.session, in_cookie=not data.refresh)


@post(
    "/api/token/revoke",
    status_code=204,
    summary="Log out",
    tags=["accounts"],
    response_description="The session has ended, if there was one.",
    response_headers=[COOKIE],
    **operation("revoke_token", 401, 403, *BODY_ERRORS),
)
async def revoke_token(request: EdgeRequest, data: Revocation) -> Response[None]:
    """Ends the session of a refresh token, or all sessions of its account.

    A token that is unknown or spent is answered alike (RFC 7009). Access tokens stop working within 5 s.
    """
    token = data.refresh or _cookie_of(request)
    await request.backend.accounts.RevokeRefreshToken(
        account_pb2.RevokeRefreshTokenRequest(refresh_token=token, everywhere=data.everywhere)
    )
    return Response(None, status_code=204, cookies=[] if data.refresh else [cookies.cleared()])


@post(
    "/api/register",
    summary="Register a customer",
    tags=["accounts"],
    response_description="The account exists.",
    **operation("register_account", 401, *BODY_ERRORS),
)
async def register_account(request: EdgeRequest, data: Registration) -> Registered:
    """Makes an account with the role `user`. New and known addresses are answered alike."""
    await request.backend.accounts.RegisterAccount(
        account_pb2.RegisterAccountRequest(email=data.email, password=data.password, name=data.name)
    )
    return Registered()


def _cookie_of(request: EdgeRequest) -> str:
    token = request.cookies.get(cookies.NAME)
    if not token:
        raise Unauthenticated("Send the refresh token, in the body or in the cookie.", reason="BAD_REFRESH_TOKEN")
    cookies.require_same_origin(request)
    return token


def _token_pair(request: EdgeRequest, session: account_pb2.Session, *, in_cookie: bool) -> Response[TokenPair]:
    pair = TokenPair(
        access=request.tokens.sign(session.account.id, session.id),
        refresh="" if in_cookie else session.refresh_token,
        expires_in=LIFETIME,
    )
    return Response(pair, cookies=[cookies.kept(session)] if in_cookie else None)


def _user_agent(request: EdgeRequest) -> str:
    return request.headers.get("User-Agent", "")[:MAX_USER_AGENT]
