"""Accounts: log in, stay logged in, register."""

from litestar import post
from pok.account.v1 import account_pb2

from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.accounts import Credentials, Refresh, Registered, Registration, TokenPair
from edge_api.tokens import LIFETIME

MAX_USER_AGENT = 300


@post(
    "/api/token",
    status_code=200,
    summary="Log in",
    tags=["accounts"],
    response_description="The session is open.",
    **operation("create_token", 401, 429, *BODY_ERRORS),
)
async def create_token(request: EdgeRequest, data: Credentials) -> TokenPair:
    """Opens a session. Unknown addresses and wrong passwords are answered alike."""
    response = await request.backend.accounts.CreateSession(
        account_pb2.CreateSessionRequest(email=data.email, password=data.password, user_agent=_user_agent(request))
    )
    return _token_pair(request, response.session)


@post(
    "/api/token/refresh",
    status_code=200,
    summary="Get a new access token",
    tags=["accounts"],
    response_description="The session goes on.",
    **operation("refresh_token", 401, *BODY_ERRORS),
)
async def refresh_token(request: EdgeRequest, data: Refresh) -> TokenPair:
    """Exchanges a refresh token for a new pair. Each works once: using a spent one ends its session."""
    response = await request.backend.accounts.RefreshSession(
        account_pb2.RefreshSessionRequest(refresh_token=data.refresh)
    )
    return _token_pair(request, response.session)


@post(
    "/api/register",
    summary="Register a customer",
    tags=["accounts"],
    response_description="The account exists.",
    **operation("register_account", 401, 429, *BODY_ERRORS),
)
async def register_account(request: EdgeRequest, data: Registration) -> Registered:
    """Makes an account with the role `user`. New and known addresses are answered alike."""
    await request.backend.accounts.RegisterAccount(
        account_pb2.RegisterAccountRequest(email=data.email, password=data.password, name=data.name)
    )
    return Registered()


def _token_pair(request: EdgeRequest, session: account_pb2.Session) -> TokenPair:
    access = request.tokens.sign(session.account.id, session.id)
    return TokenPair(access=access, refresh=session.refresh_token, expires_in=LIFETIME)


def _user_agent(request: EdgeRequest) -> str:
    return request.headers.get("User-Agent", "")[:MAX_USER_AGENT]
