"""Queries on drafts. Whoever changes one holds its inquiry's row, except for the text of one that is being written."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Row, Statement

_COLUMNS = """inquiry_id, number, state, body, revision, instruction, model, reply_number, edit_distance, reason,
    cited, missing, masked, create_time, update_time"""
_CURRENT = Statement(f"select {_COLUMNS} from draft where inquiry_id = :inquiry_id order by number desc limit 1")
_ONE = Statement(f"select {_COLUMNS} from draft where inquiry_id = :inquiry_id and number = :number")
_CHANGED = """, changed as (
    update inquiry set version = version + 1, update_time = now() from {draft} where id = inquiry_id
    returning id, version, {draft}.number, {draft}.before, {draft}.state
), told as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version, 'draft_changed', :actor, cast(:actor_id as uuid), jsonb_build_object('draft_number', number,
        'changes', jsonb_build_object('draft_state', jsonb_build_array(before, state)))
    from changed
)"""
_BEGIN = Statement(
    f"""
with begun as (
    insert into draft (inquiry_id, revision, state, body, instruction)
    values (:inquiry_id, :revision, 'generating', '', :instruction) returning {_COLUMNS}, null as before
){_CHANGED.format(draft="begun")}
select {_COLUMNS} from begun
"""
)
_SAVE = Statement(
    f"""
with saved as (
    update draft set state = :state, body = :body, model = :model, reply_number = :reply_number,
        edit_distance = :edit_distance, reason = :reason, cited = :cited, missing = :missing, masked = :masked,
        update_time = now()
    where inquiry_id = :inquiry_id and number = :number
    returning new.inquiry_id, new.number, new.state, new.body, new.revision, new.instruction, new.model,
        new.reply_number, new.edit_distance, new.reason, new.cited, new.missing, new.masked, new.create_time,
        new.update_time, old.state as before
){_CHANGED.format(draft="saved")}
select {_COLUMNS} from saved
"""
)
_PROGRESS = Statement(
    """update draft set body = :body, update_time = now()
    where inquiry_id = :inquiry_id and number = :number and state = 'generating' returning 1"""
)
_EXPIRE = Statement(
    f"""
with late as (
    select d.inquiry_id, d.number from draft d join inquiry i on i.id = d.inquiry_id
    where d.state = 'generating' and d.update_time < now() - make_interval(secs => :seconds)
    limit 100 for update of i skip locked
), failed as (
    update draft d set state = 'failed', reason = 'timeout', update_time = now() from late
    where d.inquiry_id = late.inquiry_id and d.number = late.number and d.state = 'generating'
    returning d.inquiry_id, d.number, 'generating' as before, d.state
){_CHANGED.format(draft="failed")}
select 1 from failed
"""
)


class DraftRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A draft; `revision` is the number of the customer's message that it answers."""

    inquiry_id: UUID
    number: int
    state: str
    body: str
    revision: int
    instruction: str
    model: dict[str, Any] | None
    reply_number: int | None
    edit_distance: int | None
    reason: str | None
    cited: list[str]
    missing: list[str]
    masked: list[dict[str, Any]]
    create_time: datetime
    update_time: datetime


async def current(reader: Database | Connection, inquiry_id: UUID) -> DraftRecord | None:
    """The newest draft, which is the only one that can be worked with."""
    return _draft(await reader.row(_CURRENT, inquiry_id=inquiry_id))


async def one(reader: Database | Connection, inquiry_id: UUID, number: int) -> DraftRecord | None:
    """The draft of this number."""
    return _draft(await reader.row(_ONE, inquiry_id=inquiry_id, number=number))


async def begin(
    connection: Connection, inquiry_id: UUID, *, revision: int, instruction: str, actor_id: UUID | None
) -> DraftRecord | None:
    """A new draft that is being written, with the event that an agent asked for it."""
    return _draft(
        await connection.row(
            _BEGIN,
            inquiry_id=inquiry_id,
            revision=revision,
            instruction=instruction,
            actor="agent",
            actor_id=actor_id,
        )
    )


async def save(connection: Connection, draft: DraftRecord, *, actor: str, actor_id: UUID | None = None) -> DraftRecord:
    """Write what has changed of a draft, with the event that tells of its state."""
    row = await connection.row(
        _SAVE,
        inquiry_id=draft.inquiry_id,
        number=draft.number,
        state=draft.state,
        body=draft.body,
        model=draft.model,
        reply_number=draft.reply_number,
        edit_distance=draft.edit_distance,
        reason=draft.reason,
        cited=draft.cited,
        missing=draft.missing,
        masked=draft.masked,
        actor=actor,
        actor_id=actor_id,
    )
    return DraftRecord(**dict(row or {}))


async def progress(database: Database, inquiry_id: UUID, number: int, body: str) -> None:
    """Keep the text so far of a draft that is still being written."""
    await database.row(_PROGRESS, inquiry_id=inquiry_id, number=number, body=body)


async def expire(connection: Connection, seconds: float) -> int:
    """Fail the drafts that have grown no further for so long; returns how many."""
    return len(await connection.fetch(_EXPIRE, seconds=seconds, actor="system", actor_id=None))


def _draft(row: Row | None) -> DraftRecord | None:
    return DraftRecord(**dict(row)) if row else None
