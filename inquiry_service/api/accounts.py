"""AccountService: what the edge asks of accounts and sessions."""

from collections.abc import Callable, Mapping, Set
from typing import Any, cast
from uuid import UUID

from pok.account.v1 import account_pb2, account_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.account_admin import AccountAdmin
from inquiry_service.domain.accounts import AccountChange, Accounts, NewAccount, Role
from inquiry_service.domain.sessions import Session, Sessions
from inquiry_service.storage.accounts import AccountRecord
from inquiry_service.storage.sessions import ListedSession
from runtime.rpc.context import principal

ROLE = convert.Words(account_pb2.Role.DESCRIPTOR)

# What a mask may name → how it is read; `password` travels beside the account.
FIELDS: Mapping[str, Callable[[account_pb2.Account], Any]] = {
    "name": lambda account: account.name.strip(),
    "language": lambda account: account.language,
    "role": lambda account: ROLE.word(account.role, "role"),
    "inactive": lambda account: account.inactive,
}
OWN = frozenset({"name", "language", "password"})


class AccountServicer(account_pb2_grpc.AccountServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, accounts: Accounts, admin: AccountAdmin, sessions: Sessions) -> None:
        self._accounts = accounts
        self._admin = admin
        self._sessions = sessions

    async def RegisterAccount(
        self, request: account_pb2.RegisterAccountRequest, context: Any
    ) -> account_pb2.RegisterAccountResponse:
        """The same answer for known and new addresses."""
        await self._accounts.register(NewAccount(email=request.email, password=request.password, name=request.name))
        return account_pb2.RegisterAccountResponse()

    async def CreateSession(
        self, request: account_pb2.CreateSessionRequest, context: Any
    ) -> account_pb2.CreateSessionResponse:
        """Sign in."""
        session = await self._sessions.sign_in(request.email, request.password, request.user_agent, principal())
        return account_pb2.CreateSessionResponse(session=_session(session))

    async def RefreshSession(
        self, request: account_pb2.RefreshSessionRequest, context: Any
    ) -> account_pb2.RefreshSessionResponse:
        """Stay signed in."""
        session = await self._sessions.refresh(request.refresh_token, principal())
        return account_pb2.RefreshSessionResponse(session=_session(session))

    async def CheckSession(
        self, request: account_pb2.CheckSessionRequest, context: Any
    ) -> account_pb2.CheckSessionResponse:
        """Who it is, as of now."""
        account = await self._sessions.account_of(request.session_id)
        return account_pb2.CheckSessionResponse(account=_account(account))

    async def RevokeRefreshToken(
        self, request: account_pb2.RevokeRefreshTokenRequest, context: Any
    ) -> account_pb2.RevokeRefreshTokenResponse:
        """Sign out with the refresh token alone."""
        await self._sessions.sign_out(request.refresh_token, everywhere=request.everywhere)
        return account_pb2.RevokeRefreshTokenResponse()

    async def ListSessions(
        self, request: account_pb2.ListSessionsRequest, context: Any
    ) -> account_pb2.ListSessionsResponse:
        """The caller's own."""
        caller = principal()
        listed = await self._sessions.list(caller)
        return account_pb2.ListSessionsResponse(
            sessions=[_listed(session, current=str(session.id) == caller.session_id) for session in listed]
        )

    async def RevokeSessions(
        self, request: account_pb2.RevokeSessionsRequest, context: Any
    ) -> account_pb2.RevokeSessionsResponse:
        """One of the caller's own, or all."""
        one = convert.uuid_of(request.session_id, missing="You have no such session.") if request.session_id else None
        return account_pb2.RevokeSessionsResponse(ended=await self._sessions.revoke(one, principal()))

    async def GetMe(self, request: account_pb2.GetMeRequest, context: Any) -> account_pb2.GetMeResponse:
        """The caller."""
        return account_pb2.GetMeResponse(account=_account(await self._accounts.me(principal())))

    async def UpdateMe(self, request: account_pb2.UpdateMeRequest, context: Any) -> account_pb2.UpdateMeResponse:
        """What people change of themselves."""
        change = _change(request, allowed=OWN)
        account = await self._accounts.update_me(change, request.current_password, principal())
        return account_pb2.UpdateMeResponse(account=_account(account))

    async def ListAgents(self, request: account_pb2.ListAgentsRequest, context: Any) -> account_pb2.ListAgentsResponse:
        """Whom inquiries can be assigned to."""
        agents = await self._accounts.agents(principal())
        return account_pb2.ListAgentsResponse(
            agents=[account_pb2.Agent(id=str(agent.id), name=agent.name) for agent in agents]
        )

    async def ListAccounts(
        self, request: account_pb2.ListAccountsRequest, context: Any
    ) -> account_pb2.ListAccountsResponse:
        """A page for admins."""
        page = await self._admin.list(
            roles=[ROLE.word(number, "roles") for number in request.roles],
            active=request.active if request.HasField("active") else None,
            query=request.query.strip(),
            size=request.page_size,
            page_token=request.page_token,
            principal=principal(),
        )
        return account_pb2.ListAccountsResponse(
            accounts=[_account(account) for account in page.items], next_page_token=page.next_page_token
        )

    async def GetAccount(self, request: account_pb2.GetAccountRequest, context: Any) -> account_pb2.GetAccountResponse:
        """One for admins."""
        account = await self._admin.get(_id(request.id), principal())
        return account_pb2.GetAccountResponse(account=_account(account))

    async def CreateAccount(
        self, request: account_pb2.CreateAccountRequest, context: Any
    ) -> account_pb2.CreateAccountResponse:
        """An account with a role."""
        asked = request.account
        new = NewAccount(
            email=asked.email,
            password=request.password,
            name=asked.name,
            role=cast("Role", ROLE.word(asked.role, "role")),
            language=asked.language or "es",
        )
        account = await self._admin.create(new, principal())
        return account_pb2.CreateAccountResponse(account=_account(account))

    async def UpdateAccount(
        self, request: account_pb2.UpdateAccountRequest, context: Any
    ) -> account_pb2.UpdateAccountResponse:
        """What admins change of others."""
        change = _change(request, allowed=FIELDS.keys() | {"password"})
        account = await self._admin.update(_id(request.account.id), change, principal())
        return account_pb2.UpdateAccountResponse(account=_account(account))

    async def DeleteAccount(
        self, request: account_pb2.DeleteAccountRequest, context: Any
    ) -> account_pb2.DeleteAccountResponse:
        """An account and its sessions."""
        await self._admin.delete(_id(request.id), principal())
        return account_pb2.DeleteAccountResponse()


def _change(
    request: account_pb2.UpdateMeRequest | account_pb2.UpdateAccountRequest, *, allowed: Set[str]
) -> AccountChange:
    paths = convert.masked(request.update_mask, allowed)
    return AccountChange(
        fields=convert.stored({path: FIELDS[path](request.account) for path in sorted(paths - {"password"})}),
        password=request.password if "password" in paths else None,
    )


def _id(text: str) -> UUID:
    return convert.uuid_of(text, missing="There is no such account.")


def _session(session: Session) -> account_pb2.Session:
    return account_pb2.Session(
        id=str(session.id),
        account=_account(session.account),
        refresh_token=session.refresh_token,
        expire_time=convert.timestamp(session.expire_time),
    )


def _listed(session: ListedSession, *, current: bool) -> account_pb2.SessionInfo:
    return account_pb2.SessionInfo(
        id=str(session.id),
        user_agent=session.user_agent,
        address=session.address,
        create_time=convert.timestamp(session.create_time),
        refresh_time=convert.timestamp(session.rotate_time),
        expire_time=convert.timestamp(session.expire_time),
        current=current,
    )


def _account(account: AccountRecord) -> account_pb2.Account:
    return account_pb2.Account(
        id=str(account.id),
        email=account.email,
        name=account.name,
        role=ROLE.number(account.role),
        create_time=convert.timestamp(account.create_time),
        language=account.language,
        inactive=not account.active,
    )
