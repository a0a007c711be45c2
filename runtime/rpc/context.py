"""What travels with a call through a process: who asked for it, its request id, and when it must be over."""

import time
import uuid
from contextvars import ContextVar
from typing import Literal

import msgspec

Role = Literal["anonymous", "user", "support", "admin"]
STAFF: frozenset[Role] = frozenset({"support", "admin"})

# So that the callee can still say what timed out before its caller gives up.
DEADLINE_MARGIN = 0.1


class Principal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who calls: the edge states it from a verified token, nobody else may."""

    role: Role = "anonymous"
    account_id: str = ""
    session_id: str = ""
    address: str = ""
    """Network address of the client, for the audit log."""

    @property
    def is_staff(self) -> bool:
        """Support or admin."""
        return self.role in STAFF


ANONYMOUS = Principal()


class Call(msgspec.Struct, frozen=True):
    """One call being served. `service` is the proven caller; `deadline` is in seconds of time.monotonic()."""

    request_id: str
    principal: Principal = ANONYMOUS
    service: str = ""
    deadline: float | None = None


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current() -> Call | None:
    """The call being served by this task, if any."""
    return _current.get()


def enter(call: Call) -> None:
    """Make `call` the current one for this task and the tasks it starts."""
    _current.set(call)


def lift_deadline() -> None:
    """The work of this call takes as long as its file is long; each call that it makes still has its own timeout."""
    call = _current.get()
    if call is not None:
        enter(msgspec.structs.replace(call, deadline=None))


def principal() -> Principal:
    """Who asked for what this task does; anonymous outside a call."""
    call = _current.get()
    return call.principal if call else ANONYMOUS


def new_request_id() -> str:
    """32 hex digits."""
    return uuid.uuid4().hex


def timeout_within(limit: float) -> float:
    """`limit` seconds, shortened to what is left of the current call less a margin; never below zero."""
    call = _current.get()
    if call is None or call.deadline is None:
        return limit
    return max(0.0, min(limit, call.deadline - time.monotonic() - DEADLINE_MARGIN))
