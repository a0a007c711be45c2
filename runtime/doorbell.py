"""The doorbell's contract: what the relay writes to the stream and the workers read from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec

from runtime import tracing
from runtime.rpc import context

STREAM = "pok:triage"
GROUP = "workers"
TASK = "triage_inquiry"
"""Takes one argument: the inquiry's id."""

MAX_LENGTH = 10_000
"""About how many doorbells the stream keeps; a trimmed one is rung again by the sweeper."""


class Origin(NamedTuple):
    """The call for which a doorbell is rung; empty where it is rung again."""

    request_id: str = ""
    traceparent: str = ""

    @classmethod
    def here(cls) -> "Origin":
        """The call that is being served."""
        call = context.current()
        return cls(call.request_id if call else "", tracing.current().traceparent)

    @classmethod
    def of(cls, labels: Mapping[str, Any]) -> "Origin":
        """What the labels of a message say."""
        return cls(str(labels.get("request_id", "")), str(labels.get("traceparent", "")))


NOWHERE = Origin()


def message(inquiry_id: UUID, origin: Origin = NOWHERE) -> bytes:
    """The field `data` of a stream entry, as taskiq's JSON formatter reads it; to write it needs no taskiq.

    The origin goes as labels, which workers of any version may leave unread.
    """
    fields = {
        "task_id": uuid4().hex,
        "task_name": TASK,
        "labels": {name: value for name, value in origin._asdict().items() if value},
        "labels_types": {},
        "args": [str(inquiry_id)],
        "kwargs": {},
    }
    return msgspec.json.encode(fields)
