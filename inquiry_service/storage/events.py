"""Queries on the event log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Database, Statement

# Writers hold the inquiry's row when they number an event, so that within one inquiry numbers follow the commits.
_OF_INQUIRY = Statement(
    """select number, version, kind, actor, actor_id, body, create_time from event
    where inquiry_id = :inquiry_id and number > :after and exists (select from inquiry where id = :inquiry_id)
        and (cardinality(cast(:kinds as text[])) = 0 or kind = any(:kinds))
    order by number limit :size"""
)


class EventRecord(msgspec.Struct, frozen=True):
    """One thing that happened to an inquiry."""

    number: int
    version: int
    kind: str
    actor: str
    actor_id: UUID | None
    body: dict[str, Any]
    create_time: datetime


async def of_inquiry(
    database: Database, inquiry_id: UUID, kinds: Sequence[str], *, after: int, size: int
) -> list[EventRecord]:
    """What followed the event numbered `after`, oldest first, of these kinds or all; nothing without the inquiry."""
    rows = await database.fetch(_OF_INQUIRY, inquiry_id=inquiry_id, kinds=list(kinds), after=after, size=size)
    return [EventRecord(**dict(row)) for row in rows]
