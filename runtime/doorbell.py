"""The doorbell's contract: what the relay writes to the stream and the workers read from it."""

from uuid import UUID, uuid4

import msgspec

STREAM = "pok:triage"
GROUP = "workers"
TASK = "triage_inquiry"
"""Takes one argument: the inquiry's id."""

MAX_LENGTH = 10_000
"""About how many doorbells the stream keeps; a trimmed one is rung again by the sweeper."""


def message(inquiry_id: UUID) -> bytes:
    """The field `data` of a stream entry, as taskiq's JSON formatter reads it; to write it needs no taskiq."""
    fields = {
        "task_id": uuid4().hex,
        "task_name": TASK,
        "labels": {},
        "labels_types": {},
        "args": [str(inquiry_id)],
        "kwargs": {},
    }
    return msgspec.json.encode(fields)
