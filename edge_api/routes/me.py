"""One's own account and sessions."""

from typing import Annotated
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from litestar import delete, get, patch
from litestar.params import Parameter
from msgspec import UNSET
from pok.account.v1 import account_pb2

from edge_api.body import EdgeRequest, sent
from edge_api.convert import time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.routes.users import user_of
from edge_api.schemas.accounts import OwnChange, OwnSession, SessionList, User
from runtime.rpc import context
from runtime.rpc.errors import InvalidArgument

SessionId = Annotated[UUID, Parameter(description="UUID of the session.")]


@get(
    "/api/me",
    summary="Read one's own account",
    tags=["accounts"],
    response_description="The caller's account.",
    **operation("get_me", 401),
)
async def get_me(request: EdgeRequest) -> User:
    """Who the access token stands for, as of now."""
    response = await request.backend.accounts.GetMe(account_pb2.GetMeRequest())
    return user_of(response.account)


@patch(
    "/api/me",
    summary="Change one's own account",
    tags=["accounts"],
    response_description="The account as it is now.",
    **operation("update_me", 401, *BODY_ERRORS),
)
async def update_me(request: EdgeRequest, data: OwnChange) -> User:
    """Sets the fields that are sent. A new password ends all other sessions; wrong guesses at the present one wait."""
    changed = sent(data)
    values = {name: changed[name] for name in ("name", "language") if name in changed}
    paths = [*values, *(["password"] if "password" in changed else [])]
    if not paths:
        raise InvalidArgument.field("current_password", "current_password goes with a new password.")
    change = account_pb2.UpdateMeRequest(
        account=account_pb2.Account(**values),
        update_mask=FieldMask(paths=paths),
        password=data.password or "",
        current_password=data.current_password or "",
    )
    if data.password is UNSET:
        return user_of((await request.backend.accounts.UpdateMe(change)).account)
    principal = context.principal()
    async with request.login_throttle.attempt(principal.account_id, principal.address):
        return user_of((await request.backend.accounts.UpdateMe(change)).account)


@get(
    "/api/me/sessions",
    summary="List one's own sessions",
    tags=["accounts"],
    response_description="The live sessions.",
    **operation("list_sessions", 401),
)
async def list_sessions(request: EdgeRequest) -> SessionList:
    """Where the caller is logged in, newest first."""
    response = await request.backend.accounts.ListSessions(account_pb2.ListSessionsRequest())
    return SessionList([_session(session) for session in response.sessions])


@delete(
    "/api/me/sessions",
    summary="Log out everywhere",
    tags=["accounts"],
    response_description="No session is left.",
    **operation("revoke_sessions", 401),
)
async def revoke_sessions(request: EdgeRequest) -> None:
    """Ends all sessions of the caller, the current one too."""
    await request.backend.accounts.RevokeSessions(account_pb2.RevokeSessionsRequest())


@delete(
    "/api/me/sessions/{session_id:uuid}",
    summary="End one session",
    tags=["accounts"],
    response_description="The session has ended.",
    **operation("revoke_session", 400, 401, 404),
)
async def revoke_session(request: EdgeRequest, session_id: SessionId) -> None:
    """Ends one of the caller's sessions, such as that of a lost telephone."""
    await request.backend.accounts.RevokeSessions(account_pb2.RevokeSessionsRequest(session_id=str(session_id)))


def _session(session: account_pb2.SessionInfo) -> OwnSession:
    return OwnSession(
        id=session.id,
        user_agent=session.user_agent,
        address=session.address,
        create_time=time_of(session.create_time),
        refresh_time=time_of(session.refresh_time),
        expire_time=time_of(session.expire_time),
        current=session.current,
    )
