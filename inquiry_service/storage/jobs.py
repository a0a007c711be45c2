"""Queries on long work that survives crashes. All times come from the database's clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

JobKind = Literal["erasure", "retention"]

_JOB = "id, kind, state, target, done, total, create_time, update_time, now() as now"
_ADD = Statement(f"insert into job (kind, target, total) values (:kind, :target, :total) returning {_JOB}")
_GET = Statement(f"select {_JOB} from job where id = :id")
# In turns: whatever has waited longest moves on by one batch.
_HOLD = Statement(f"select {_JOB} from job where state = 'running' order by update_time limit 1 for update skip locked")
_MOVE = Statement(
    """update job set done = done + :erased, total = greatest(total, done + :erased), update_time = now()
    where id = :id"""
)
# Whom it was about is not kept.
_END = Statement("update job set state = :state, target = '{}', update_time = now() where id = :id")
_BEGUN = Statement(
    "select true from job where kind = :kind and create_time > now() - make_interval(hours => :hours) limit 1"
)
_PURGE = Statement(
    """delete from job where state <> 'running' and update_time < now() - make_interval(days => :days)
    returning id"""
)


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One job; `now` is the database's time when it was read."""

    id: UUID
    kind: JobKind
    state: Literal["running", "done", "failed"]
    target: Mapping[str, Any]
    done: int
    total: int
    create_time: datetime
    update_time: datetime
    now: datetime


async def add(connection: Connection, kind: JobKind, target: Mapping[str, Any], total: int) -> JobRecord:
    """A new job that waits."""
    row = await connection.row(_ADD, kind=kind, target=dict(target), total=total)
    return JobRecord(**dict(row or {}))


async def get(database: Database, id_: UUID) -> JobRecord | None:
    """One job."""
    row = await database.row(_GET, id=id_)
    return JobRecord(**dict(row)) if row else None


async def hold(connection: Connection) -> JobRecord | None:
    """A job that is not over and that no other replica holds, locked until the transaction ends."""
    row = await connection.row(_HOLD)
    return JobRecord(**dict(row)) if row else None


async def move(connection: Connection, id_: UUID, erased: int) -> None:
    """Count what the present transaction does."""
    await connection.row(_MOVE, id=id_, erased=erased)


async def end(connection: Connection, id_: UUID, state: Literal["done", "failed"]) -> None:
    """It is over."""
    await connection.row(_END, id=id_, state=state)


async def begun_within(connection: Connection, kind: JobKind, hours: int) -> bool:
    """Whether there has been such a job in these hours."""
    return await connection.row(_BEGUN, kind=kind, hours=hours) is not None


async def purge(database: Database, days: int) -> int:
    """Forget what was over these days ago; returns how many."""
    return len(await database.fetch(_PURGE, days=days))
