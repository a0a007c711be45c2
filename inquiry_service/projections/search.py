"""The search index: what is written becomes findable within a second of it."""

from collections.abc import Sequence

from inquiry_service.storage import search_index
from inquiry_service.storage.database import Connection
from inquiry_service.storage.event_log import LoggedEvent

# Events after which an inquiry says what it said before: they would only have its text parsed again.
SAYS_NOTHING_NEW = frozenset(
    {
        *("triage_started", "triage_retrying", "triage_released", "triage_lease_lost", "triage_failed"),
        *("triage_superseded", "inquiry_updated", "inquiry_adopted", "draft_changed", "tracking_revoked"),
    }
)


class SearchProjection:
    """Reads the inquiries of a batch anew rather than the events, so that replays and gaps do no harm."""

    name = "search"

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        """Refresh every inquiry of which something new is said."""
        ids = {event.inquiry_id for event in events if event.kind not in SAYS_NOTHING_NEW}
        if ids:
            await search_index.refresh(connection, sorted(ids))
