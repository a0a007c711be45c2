"""How fast the queue fills and empties: what each event adds to the counts of its ten seconds."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from inquiry_service.storage import throughput
from inquiry_service.storage.database import Connection
from inquiry_service.storage.event_log import LoggedEvent

ANALYSED = frozenset({"done", "needs_review"})
AT_WORK = frozenset({"queued", "running"})


class Throughput:
    """The projection behind the queue monitor's rates; only what is young is counted."""

    name = throughput.PROJECTION

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        """Count these events."""
        oldest = await throughput.now(connection) - timedelta(seconds=throughput.KEPT_SECONDS)
        counts: Counter[tuple[datetime, str]] = Counter()
        for event in events:
            measure = measure_of(event) if event.create_time >= oldest else None
            if measure:
                counts[bucket_of(event.create_time), measure] += 1
        if counts:
            await throughput.add(connection, counts)


def bucket_of(time: datetime) -> datetime:
    """When its ten seconds began."""
    return time.replace(second=time.second - time.second % throughput.BUCKET_SECONDS, microsecond=0)


def measure_of(event: LoggedEvent) -> str | None:
    """What an event counts as: "arrived", "done", "failed", "retried" or nothing; pure."""
    match event.kind:
        case "inquiry_created":
            return None if event.body.get("status") == "spam" else "arrived"
        case "inquiry_imported":
            return "arrived" if event.body.get("triage_state") == "queued" else None
        case "triage_retrying":
            return "retried"
    before, after = event.changes.get("triage_state", (None, None))
    if after == "queued":
        return None if before in AT_WORK else "arrived"
    if before not in AT_WORK:
        return None
    return "done" if after in ANALYSED else "failed" if after == "failed" else None
