"""The one vocabulary of errors: raised in a domain, carried over gRPC, raised again by the client."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

DOMAIN = "pok"


class FieldViolation(NamedTuple):
    """One wrong field: its path in dots (`customer_email`) and a sentence that says what is wrong with it."""

    field: str
    description: str


class RpcError(Exception):
    """An error that callers can act on. `reason` is a stable UPPER_SNAKE key; the message is safe to show to anyone."""

    code: ClassVar[str] = "INTERNAL"
    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_delay: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_delay = retry_delay
        """Seconds after which a retry makes sense; None where unknown."""


class Internal(RpcError):
    """A defect of ours; carries no detail but the request id."""


class InvalidArgument(RpcError):
    """The request can never succeed as it is; `violations` say why."""

    code = "INVALID_ARGUMENT"
    default_reason = "INVALID_ARGUMENT"

    @classmethod
    def field(cls, field: str, description: str) -> "InvalidArgument":
        """One wrong field."""
        return cls(description, violations=[FieldViolation(field, description)])


class Unauthenticated(RpcError):
    """Nobody we know is calling."""

    code = "UNAUTHENTICATED"
    default_reason = "UNAUTHENTICATED"


class PermissionDenied(RpcError):
    """The caller is known and may not do this."""

    code = "PERMISSION_DENIED"
    default_reason = "PERMISSION_DENIED"


class NotFound(RpcError):
    """There is no such thing, or the caller may not know of it."""

    code = "NOT_FOUND"
    default_reason = "NOT_FOUND"


class AlreadyExists(RpcError):
    """A unique value is taken."""

    code = "ALREADY_EXISTS"
    default_reason = "ALREADY_EXISTS"


class Aborted(RpcError):
    """Somebody else was faster: a stale claim, a used idempotency key."""

    code = "ABORTED"
    default_reason = "ABORTED"


class FailedPrecondition(RpcError):
    """The state does not allow it: an illegal transition, a version that has moved on."""

    code = "FAILED_PRECONDITION"
    default_reason = "FAILED_PRECONDITION"


class ResourceExhausted(RpcError):
    """A limit is reached; `retry_delay` says when it opens again."""

    code = "RESOURCE_EXHAUSTED"
    default_reason = "RATE_LIMITED"


class Unavailable(RpcError):
    """It cannot be done now and may be retried."""

    code = "UNAVAILABLE"
    default_reason = "UNAVAILABLE"


class Unreachable(Unavailable):
    """No process of ours answered at all (as opposed to one that answered UNAVAILABLE)."""

    default_reason = "UNREACHABLE"


class DeadlineExceeded(RpcError):
    """It took longer than the caller allowed."""

    code = "DEADLINE_EXCEEDED"
    default_reason = "DEADLINE_EXCEEDED"


class Unimplemented(RpcError):
    """There is no such method."""

    code = "UNIMPLEMENTED"
    default_reason = "UNIMPLEMENTED"


BY_CODE: dict[str, type[RpcError]] = {
    kind.code: kind
    for kind in (
        Internal,
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        AlreadyExists,
        Aborted,
        FailedPrecondition,
        ResourceExhausted,
        Unavailable,
        DeadlineExceeded,
        Unimplemented,
    )
}
