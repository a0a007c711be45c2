"""Errors as RFC 9457 problems: the one table from our error vocabulary to HTTP."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from edge_api.schemas.problems import FieldError, Problem
from runtime.rpc import context
from runtime.rpc.errors import FieldViolation, RpcError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="pok"'}
BAD_TOKEN_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="pok", error="invalid_token"'}
DEFAULT_RETRY_DELAY = 1.0


class Kind(NamedTuple):
    """One type of problem. Its key ends the `type`; its detail is said where there is nothing better to say."""

    status: int
    key: str
    title: str
    detail: str = ""


INVALID = Kind(400, "invalid-request", "The request is not valid", "The request cannot be read.")
UNAUTHENTICATED = Kind(401, "unauthenticated", "A valid access token is needed", "Log in first.")
FORBIDDEN = Kind(403, "forbidden", "Not allowed", "Your role does not allow this.")
NOT_FOUND = Kind(404, "not-found", "Not found", "There is nothing at this address.")
NOT_ALLOWED = Kind(405, "method-not-allowed", "Method not allowed", "The header Allow names the methods.")
CONFLICT = Kind(409, "conflict", "Conflict")
RATE_LIMITED = Kind(429, "rate-limited", "Too many requests")
INTERNAL = Kind(500, "internal", "Something went wrong on our side", "It has been logged under this request id.")
UNAVAILABLE = Kind(503, "unavailable", "Temporarily unavailable", "Try again in a moment.")

BY_STATUS: Mapping[int, Kind] = {
    kind.status: kind
    for kind in (
        INVALID,
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        NOT_ALLOWED,
        Kind(413, "body-too-large", "The body is too large", "A body may have 256 kB."),
        Kind(
            415,
            "unsupported-media-type",
            "Unsupported media type",
            "The operation's description names what it takes: mostly application/json.",
        ),
    )
}
BY_CODE: Mapping[str, Kind] = {
    "INVALID_ARGUMENT": INVALID,
    "UNAUTHENTICATED": UNAUTHENTICATED,
    "PERMISSION_DENIED": FORBIDDEN,
    "NOT_FOUND": NOT_FOUND,
    "ALREADY_EXISTS": CONFLICT,
    "ABORTED": CONFLICT,
    "FAILED_PRECONDITION": CONFLICT,
    "RESOURCE_EXHAUSTED": RATE_LIMITED,
    "UNAVAILABLE": UNAVAILABLE,
    "UNIMPLEMENTED": UNAVAILABLE,  # while a service behind is still of the version before
    "DEADLINE_EXCEEDED": Kind(504, "timeout", "It took too long"),
}
# Reasons that deserve a type, or another status, of their own.
BY_REASON: Mapping[str, Kind] = {
    "BAD_TOKEN": Kind(401, "bad-token", "The access token is not valid"),
    "PUBLIC_READ_OFF": Kind(401, "public-read-off", "Inquiries are not public here"),
    "SESSION_ENDED": Kind(401, "session-ended", "The session has ended"),
    "BAD_CREDENTIALS": Kind(401, "bad-credentials", "E-mail or password is wrong"),
    "BAD_REFRESH_TOKEN": Kind(401, "bad-refresh-token", "The refresh token is not valid"),
    "CATEGORY_IN_USE": Kind(409, "category-in-use", "There are inquiries of this category"),
    "LAST_CATEGORY": Kind(409, "last-category", "One active category must stay"),
    "SETTING_PINNED": Kind(409, "setting-pinned", "The environment decides this setting"),
    "LAST_ADMIN": Kind(409, "last-admin", "The last administrator must stay"),
    "STAFF_ACCOUNT": Kind(409, "staff-account", "Accounts of staff are not erased"),
    "FEED_RESTARTED": Kind(409, "feed-restarted", "The positions of this installation have begun anew"),
    "WRONG_PASSWORD": Kind(400, "wrong-password", "The present password is wrong"),
    "NOT_SAME_ORIGIN": Kind(403, "not-same-origin", "The cookie works for pages of this site only"),
    "BAD_PAGE_TOKEN": Kind(400, "bad-page-token", "The page token is not valid"),
    "NOTHING_TO_UNDO": Kind(409, "nothing-to-undo", "Nothing that this run has set is as it set it"),
    "PROVIDER_NOT_CONFIGURED": Kind(409, "provider-not-configured", "This AI is not configured here"),
    "IDEMPOTENCY_CONFLICT": Kind(409, "idempotency-conflict", "The idempotency key was used for another body"),
    "ILLEGAL_TRANSITION": Kind(409, "illegal-transition", "The state cannot change this way"),
    "CLOSED_FOR_GOOD": Kind(409, "closed-for-good", "It was closed too long ago"),
    "CONVERSATION_FULL": Kind(409, "conversation-full", "The conversation is too long"),
    "WORK_WAITS": Kind(503, "work-waits", "Work is not being done in time"),
    "VERSION_MISMATCH": Kind(412, "version-mismatch", "Somebody changed it meanwhile"),
}
KINDS = sorted({*BY_STATUS.values(), *BY_CODE.values(), *BY_REASON.values(), INTERNAL})


def answer_rpc_error(_request: Request[Any, Any, Any], error: RpcError) -> Response[Problem]:
    """An error of the vocabulary, raised here or in the service behind."""
    kind = _kind_of(error)
    if kind is INTERNAL:
        return answer(kind)
    if kind is FORBIDDEN and context.principal().role == "anonymous":
        return answer(UNAUTHENTICATED, f"{error.message} Log in first.", error.violations)
    headers = {}
    if kind.status in {429, 503}:
        delay = DEFAULT_RETRY_DELAY if error.retry_delay is None else error.retry_delay
        headers["Retry-After"] = str(math.ceil(delay))
    return answer(kind, error.message, error.violations, headers)


def of_rpc_error(error: RpcError) -> Problem:
    """The same for an answer that has already begun."""
    kind = _kind_of(error)
    return problem_of(kind) if kind is INTERNAL else problem_of(kind, error.message, error.violations)


def answer_http_exception(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """An error of Litestar itself: no such route, wrong method, body too large."""
    kind = BY_STATUS.get(error.status_code, INVALID if error.status_code < 500 else INTERNAL)
    if kind is INTERNAL:
        log.error("request_failed", exc_info=error)
    # What is left of a body that is too large is not read, so that nothing else can come over its connection.
    closing = {"Connection": "close"} if kind.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else {}
    return answer(kind, headers={**(error.headers or {}), **closing})


def answer_defect(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Anything else is a defect of ours: logged in full, told without detail."""
    log.error("request_failed", exc_info=error)
    return answer(INTERNAL)


def answer(
    kind: Kind,
    detail: str = "",
    violations: Sequence[FieldViolation] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    """The problem as an HTTP answer."""
    problem = problem_of(kind, detail, violations)
    challenge = {} if kind.status != 401 else BAD_TOKEN_CHALLENGE if kind.key == "bad-token" else CHALLENGE
    return Response(problem, status_code=kind.status, media_type=MEDIA_TYPE, headers={**challenge, **(headers or {})})


def problem_of(kind: Kind, detail: str = "", violations: Sequence[FieldViolation] = ()) -> Problem:
    """The problem with the request id of the present call."""
    call = context.current()
    return Problem(
        type=type_of(kind),
        title=kind.title,
        status=kind.status,
        detail=detail or kind.detail,
        request_id=call.request_id if call else "",
        errors=[FieldError(field=field, message=description) for field, description in violations],
    )


def _kind_of(error: RpcError) -> Kind:
    kind = BY_REASON.get(error.reason) or BY_CODE.get(error.code, INTERNAL)
    if kind is INTERNAL:
        log.error("request_failed", code=error.code, reason=error.reason, grpc_code=error.metadata.get("grpc_code"))
    return kind


def type_of(kind: Kind) -> str:
    """The stable identifier of a kind of problem."""
    return f"urn:pok:problem:{kind.key}"


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    RpcError: answer_rpc_error,
    HTTPException: answer_http_exception,
    Exception: answer_defect,
}
