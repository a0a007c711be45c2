"""The event log as watchers see it: each event with what the inquiry is now."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Database, Statement
from inquiry_service.storage.event_log import BEGINNING, END, POSITION, TXID, VISIBLE, Position

_AFTER = Statement(
    f"""with page as materialized (
        select era, {TXID}, number, inquiry_id, version, kind, actor, actor_id, body
        from event where (era, txid, number) > {POSITION} and {VISIBLE}
        order by event.era, event.txid, event.number limit :size
    )
    select page.era, txid, page.number, inquiry_id, page.version, kind, actor, actor_id,
        array(select field from jsonb_object_keys(body -> 'changes') field order by field) as changed,
        triage_state, status, category
    from page left join inquiry on inquiry.id = inquiry_id
    order by page.era, txid, page.number"""
)
_HEAD = Statement(f"select feed.epoch, newest.* from feed left join ({END}) newest on true")
_KNOWN = Statement(
    f"""select exists (select from event where (era, txid, number) = {POSITION}) as known,
        exists (select from event where (era, txid, number) < {POSITION}) as older"""
)


class LiveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One event; the inquiry's state is that of the moment of reading, empty once it has been erased."""

    position: Position
    inquiry_id: UUID
    version: int
    kind: str
    actor: str
    actor_id: UUID | None
    changed: Sequence[str]
    triage_state: str | None
    status: str | None
    category: str | None


class Head(NamedTuple):
    """The name of the present era, and the newest event that is safe to read."""

    epoch: str
    end: Position


class Known(NamedTuple):
    """Whether the log holds the event at a position, and any before it."""

    known: bool
    older: bool


async def after(database: Database, position: Position, size: int) -> list[LiveRecord]:
    """The next events, at most `size`."""
    rows = await database.fetch(_AFTER, era=position.era, txid=position.txid, number=position.number, size=size)
    return [_record(dict(row)) for row in rows]


async def head(database: Database) -> Head:
    """Where the log ends."""
    row = await database.row(_HEAD)
    if row is None:
        raise LookupError("the feed has no row")
    return Head(row["epoch"], Position(row["era"], row["txid"], row["number"]) if row["era"] else BEGINNING)


async def known(database: Database, position: Position) -> Known:
    """What the log still holds around a position."""
    row = await database.row(_KNOWN, **position._asdict())
    return Known(**dict(row or {}))


def _record(values: dict[str, Any]) -> LiveRecord:
    position = Position(values.pop("era"), values.pop("txid"), values.pop("number"))
    return LiveRecord(position=position, **values)
