"""Inquiries with their first messages, some at a time, each time in a short statement of its own."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from inquiry_service.storage import listing
from inquiry_service.storage.database import Database, Statement
from inquiry_service.storage.filters import Filters
from inquiry_service.storage.inquiries import MESSAGE, STAFF
from inquiry_service.storage.records import InquiryRecord

_MESSAGES = Statement("select inquiry_id, body from message where inquiry_id = any(:ids) and number = 1")
_BY_IDS = Statement(f"select {STAFF}, {MESSAGE} from inquiry where id = any(:ids)")


async def batch(
    database: Database, filters: Filters, *, size: int, after: UUID | None
) -> tuple[list[InquiryRecord], UUID | None]:
    """Those that match and follow the id `after`, or the first ones, oldest first; and where to go on from."""
    records = await listing.batch(database, filters, size=size, after=after)
    rows = await database.fetch(_MESSAGES, ids=[record.id for record in records])
    bodies = {row["inquiry_id"]: row["body"] for row in rows}
    # What was erased between the two statements is left out.
    there = [msgspec.structs.replace(record, message=bodies[record.id]) for record in records if record.id in bodies]
    return there, records[-1].id if len(records) == size else None


async def by_ids(database: Database, ids: Sequence[UUID]) -> dict[UUID, InquiryRecord]:
    """Those of these inquiries that are there."""
    rows = await database.fetch(_BY_IDS, ids=list(ids))
    return {row["id"]: InquiryRecord(**dict(row)) for row in rows}
