"""Who stands behind a session right now: asked of the account service at most once every 4 s per session."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pok.account.v1 import account_pb2

from runtime.rpc.context import Principal, Role
from runtime.rpc.errors import RpcError, Unauthenticated

if TYPE_CHECKING:  # the generated module has it for type checkers only
    from pok.account.v1.account_pb2_grpc import AccountServiceAsyncStub

MAX_AGE = 4.0
"""Seconds; with it a revoked session or a changed role acts within 5 s on every edge."""

MAX_SESSIONS = 10_000

ROLES: Mapping[int, Role] = {
    account_pb2.ROLE_USER: "user",
    account_pb2.ROLE_SUPPORT: "support",
    account_pb2.ROLE_ADMIN: "admin",
}


class _Check(NamedTuple):
    started: float
    answer: asyncio.Task[Principal]


class Sessions:
    """A small cache over AccountService.CheckSession; callers that come together share one call."""

    def __init__(self, accounts: "AccountServiceAsyncStub", now: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._now = now
        self._checks: dict[str, _Check] = {}

    async def principal(self, session_id: str) -> Principal:
        """The account of a live session with its present role; raises Unauthenticated (SESSION_ENDED)."""
        check = self._checks.get(session_id)
        if check is None or self._now() - check.started >= MAX_AGE:
            check = self._start(session_id)
        # Shielded: a caller that goes away must not take the answer from those who wait with it.
        return await asyncio.shield(check.answer)

    def stale_at(self, session_id: str) -> float:
        """When, by time.monotonic(), the next call of `principal` asks anew; 0 if it would now."""
        check = self._checks.get(session_id)
        return check.started + MAX_AGE if check else 0.0

    def _start(self, session_id: str) -> _Check:
        self._checks.pop(session_id, None)
        if len(self._checks) >= MAX_SESSIONS:
            del self._checks[next(iter(self._checks))]
        check = _Check(self._now(), asyncio.create_task(self._ask(session_id)))
        self._checks[session_id] = check
        return check

    async def _ask(self, session_id: str) -> Principal:
        try:
            response = await self._accounts.CheckSession(account_pb2.CheckSessionRequest(session_id=session_id))
        except Unauthenticated:
            raise  # remembered like any other answer
        except RpcError:
            self._checks.pop(session_id, None)
            raise
        account = response.account
        return Principal(role=ROLES[account.role], account_id=account.id, session_id=session_id)
