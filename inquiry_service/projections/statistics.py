"""What each event adds to the statistics."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from inquiry_service.domain.histogram import bin_of
from inquiry_service.storage import statistics
from inquiry_service.storage.database import Connection
from inquiry_service.storage.event_log import LoggedEvent
from inquiry_service.storage.statistics import TOTAL, Amount

RECEIVED = frozenset({"inquiry_created", "inquiry_imported"})
SPLIT = ("category", "sentiment", "language")
"""Fields by which received inquiries are split; those without one count under the empty key."""

OPEN = frozenset({"new", "open", "pending"})
DONE = frozenset({"resolved", "closed"})
TAKEN_UP = frozenset({"ready", "inserted", "sent"})
"""What a dismissed draft may become when an agent thinks better of it."""


class Counting:
    """The statistics projection.

    An event adds by what it says itself: before and after of what it changed. So the sums do not depend on the order
    of two events of one inquiry, which need not be that of their versions, since transactions overtake each other. Of
    an inquiry, only when it was received is kept.
    """

    name = statistics.PROJECTION

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        """Add what these events count."""
        known = await statistics.receive_times(connection, {event.inquiry_id for event in events})
        received: dict[UUID, datetime] = {}
        erased: set[UUID] = set()
        amounts: list[Amount] = []
        for event in events:
            if event.kind in RECEIVED:
                known[event.inquiry_id] = received[event.inquiry_id] = receive_time_of(event)
            amounts += counted(event, known.get(event.inquiry_id))
            if event.kind == "inquiry_erased":
                known.pop(event.inquiry_id, None)
                erased.add(event.inquiry_id)
        await statistics.remember(connection, received)
        await statistics.add(connection, amounts)
        await statistics.forget(connection, erased)


def receive_time_of(event: LoggedEvent) -> datetime:
    """When the inquiry of its first event was received: imported ones bring their time along."""
    stated = event.body.get("create_time")
    return datetime.fromisoformat(stated) if stated else event.create_time


def counted(event: LoggedEvent, receive_time: datetime | None) -> Iterator[Amount]:
    """What one event adds; pure. Of an inquiry whose `receive_time` is not known (any more), only what needs none."""
    if event.kind in RECEIVED:
        yield from _received(event, receive_time or receive_time_of(event))
    else:
        yield from _moved(event.changes, receive_time)
        yield from _worked(event, receive_time)
    match event.kind:
        case "triage_completed":
            yield from _analysed(event)
        case "triage_failed":
            yield _once(event, "failed")
        case "inquiry_updated":
            yield from _judged(event)
        case "message_created":
            yield from _replied(event, receive_time)
        case "draft_changed":
            yield from _dismissed(event)


def _received(event: LoggedEvent, receive_time: datetime) -> Iterator[Amount]:
    yield Amount(TOTAL, receive_time, "received", "", 1)
    for name in SPLIT:
        yield Amount(name, receive_time, "received", event.body.get(name) or "", 1)
    if event.body.get("status", "new") in OPEN:
        yield Amount(TOTAL, receive_time, "backlog", "", 1)


def _moved(changes: Mapping[str, Sequence[str | None]], receive_time: datetime | None) -> Iterator[Amount]:
    for name in SPLIT:
        if name in changes and receive_time:
            before, after = changes[name]
            yield Amount(name, receive_time, "received", before or "", -1)
            yield Amount(name, receive_time, "received", after or "", 1)


def _worked(event: LoggedEvent, receive_time: datetime | None) -> Iterator[Amount]:
    before, after = event.changes.get("status", (None, None))
    if (before in OPEN) != (after in OPEN):
        yield _once(event, "backlog", amount=1 if after in OPEN else -1)
    if before in DONE and after in OPEN:
        yield _once(event, "reopened")
    if after in DONE and before not in DONE:
        yield _once(event, "resolved")
        yield from _by_agent(event, "resolved")
        yield from _took(event, "resolution", receive_time)


def _analysed(event: LoggedEvent) -> Iterator[Amount]:
    # Where a person had set the category, the machine's result was neither set nor suggested, and the event names none.
    category = event.body.get("category")
    if category:
        suggested = event.changes.get("triage_state", ("", ""))[1] == "needs_review"
        yield from _of_category(event, "reviewed" if suggested else "automatic", category)


def _judged(event: LoggedEvent) -> Iterator[Amount]:
    judged = event.body.get("judged")
    if judged and "category" in event.changes and not event.body.get("bulk"):
        after = event.changes["category"][1]
        yield from _of_category(event, "confirmed" if after == judged else "corrected", judged)
        yield from _taught(event, judged, after)


def _taught(event: LoggedEvent, judged: str, after: str) -> Iterator[Amount]:
    # Only where it is known what the machine would have chosen without corrections.
    if uncorrected := event.body.get("uncorrected"):
        yield _once(event, "comparable")
        yield _once(event, "agreed", amount=int(after == judged))
        yield _once(event, "uncorrected_agreed", amount=int(after == uncorrected))


def _replied(event: LoggedEvent, receive_time: datetime | None) -> Iterator[Amount]:
    if event.body.get("kind") != "reply":
        return
    yield _once(event, "replies")
    yield from _by_agent(event, "replies")
    if event.body.get("first_response"):
        yield from _took(event, "first_response", receive_time)
    if event.body.get("draft_used"):
        distance = event.body.get("edit_distance") or 0
        yield _once(event, "drafts_sent")
        yield _once(event, "edit_distance", amount=distance)
        yield _once(event, "drafts_unedited", amount=0 if distance else 1)


def _dismissed(event: LoggedEvent) -> Iterator[Amount]:
    before, after = event.changes.get("draft_state", (None, None))
    if after == "dismissed":
        yield _once(event, "drafts_dismissed")
    elif before == "dismissed" and after in TAKEN_UP:
        yield _once(event, "drafts_dismissed", amount=-1)


def _once(event: LoggedEvent, measure: str, *, amount: int = 1) -> Amount:
    return Amount(TOTAL, event.create_time, measure, "", amount)


def _of_category(event: LoggedEvent, measure: str, category: str) -> Iterator[Amount]:
    yield _once(event, measure)
    yield Amount("category", event.create_time, measure, category, 1)


def _by_agent(event: LoggedEvent, measure: str) -> Iterator[Amount]:
    if event.actor == "agent" and event.actor_id:
        yield Amount("agent", event.create_time, measure, str(event.actor_id), 1)


def _took(event: LoggedEvent, measure: str, receive_time: datetime | None) -> Iterator[Amount]:
    if receive_time:
        bin_ = bin_of((event.create_time - receive_time).total_seconds())
        yield Amount("bin", event.create_time, measure, str(bin_), 1)
