"""What an error of the AI service means for the inquiry's triage."""

from typing import NamedTuple

from pok.ai.v1.analysis_pb2 import Usage
from pok.inquiry.v1 import triage_pb2 as pb

from runtime.rpc.errors import DeadlineExceeded, InvalidArgument, RpcError
from runtime.rpc.spent import spent

NOTHING_SPENT = Usage()

NOT_ASKED = frozenset({"PROVIDER_CIRCUIT_OPEN", "PROVIDER_MINUTE_BUDGET", "PROVIDER_QUEUE_FULL", "SPEND_CAP"})
"""Reasons for which the AI service did not ask the provider: no fault of the inquiry, so that no attempt is counted."""
WORTH_WAITING = 5.0
"""Seconds; of a provider that asks for no more, the failure counts as any other."""


class Failure(NamedTuple):
    """How one attempt ended; `retry_delay` in seconds is what the provider asked for, 0 if nothing.

    `usage` is what it has cost all the same.
    """

    kind: pb.FailureKind.ValueType
    reason: str
    retry_delay: float = 0.0
    usage: Usage = NOTHING_SPENT


def failure_of(error: RpcError) -> Failure:
    """Only what the AI service calls invalid can never succeed; everything else may, later."""
    reason = error.reason.lower()
    if isinstance(error, InvalidArgument):
        return Failure(pb.FAILURE_KIND_INVALID, reason)
    if isinstance(error, DeadlineExceeded):
        return Failure(pb.FAILURE_KIND_PROVIDER, "analysis_timeout")
    delay, usage = error.retry_delay or 0.0, Usage(**spent(error))
    if error.reason in NOT_ASKED or delay > WORTH_WAITING:
        return Failure(pb.FAILURE_KIND_DEFERRED, reason, delay, usage)
    return Failure(pb.FAILURE_KIND_PROVIDER, reason, delay, usage)
