"""AccountService: what the edge asks of accounts and sessions."""

from typing import Any

from pok.account.v1 import account_pb2, account_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.accounts import Accounts, NewAccount, Session
from inquiry_service.storage.accounts import AccountRecord

ROLE = convert.Words(account_pb2.Role.DESCRIPTOR)


class AccountServicer(account_pb2_grpc.AccountServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

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
        session = await self._accounts.sign_in(request.email, request.password, request.user_agent)
        return account_pb2.CreateSessionResponse(session=_session(session))

    async def RefreshSession(
        self, request: account_pb2.RefreshSessionRequest, context: Any
    ) -> account_pb2.RefreshSessionResponse:
        """Stay signed in."""
        session = await self._accounts.refresh(request.refresh_token)
        return account_pb2.RefreshSessionResponse(session=_session(session))

    async def CheckSession(
        self, request: account_pb2.CheckSessionRequest, context: Any
    ) -> account_pb2.CheckSessionResponse:
        """Who it is, as of now."""
        account = await self._accounts.account_of(request.session_id)
        return account_pb2.CheckSessionResponse(account=_account(account))


def _session(session: Session) -> account_pb2.Session:
    return account_pb2.Session(
        id=str(session.id),
        account=_account(session.account),
        refresh_token=session.refresh_token,
        expire_time=convert.timestamp(session.expire_time),
    )


def _account(account: AccountRecord) -> account_pb2.Account:
    return account_pb2.Account(
        id=str(account.id),
        email=account.email,
        name=account.name,
        role=ROLE.number(account.role),
        create_time=convert.timestamp(account.create_time),
    )
