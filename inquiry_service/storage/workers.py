"""Queries on the workers that have been heard. All times come from the database's clock."""

from datetime import datetime
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Database, Statement

REMEMBERED_SECONDS = 3600
MOST_WORK = 2_000
"""Claims that are looked at for the list."""

# One second more than three heartbeats, which may be under way.
_ALIVE = "beat_time > now() - make_interval(secs => 3 * interval_seconds + 1)"
_REMEMBERED = f"beat_time > now() - make_interval(secs => {REMEMBERED_SECONDS})"
_BEAT = Statement(
    """insert into worker (name, host, pid, version, concurrency, interval_seconds)
    values (:name, :host, :pid, :version, :concurrency, :interval_seconds)
    on conflict (name) do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
        concurrency = excluded.concurrency, interval_seconds = excluded.interval_seconds, beat_time = now(),
        start_time = case when (worker.host, worker.pid) = (excluded.host, excluded.pid) then worker.start_time
            else now() end
    returning name"""
)
# Not one that has begun under the same name since.
_STOP = Statement("delete from worker where name = :name and host = :host and pid = :pid returning name")
_PURGE = Statement(f"delete from worker where not {_REMEMBERED} returning name")
_COUNT = Statement(f"select count(*)::int as alive from worker where {_ALIVE}")
_LIST = Statement(
    f"""select name, host, pid, version, concurrency, start_time, beat_time, {_ALIVE} as alive
    from worker where {_REMEMBERED} order by name"""
)
_WORK = Statement(
    f"""select j.worker, j.inquiry_id, i.number, coalesce(j.claim_time, now()) as since
    from triage_job j join inquiry i on i.id = j.inquiry_id
    where j.state = 'running' order by j.claim_time limit {MOST_WORK}"""
)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it describes itself; `interval_seconds` is the longest time until it beats again."""

    name: str
    host: str
    pid: int
    version: str
    concurrency: int
    interval_seconds: float


class WorkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that a worker holds since then."""

    worker: str
    inquiry_id: UUID
    number: int
    since: datetime


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that was heard within the last hour."""

    name: str
    host: str
    pid: int
    version: str
    concurrency: int
    start_time: datetime
    beat_time: datetime
    alive: bool


async def beat(database: Database, process: Process) -> None:
    """It is there."""
    await database.row(_BEAT, **msgspec.structs.asdict(process))


async def stop(database: Database, process: Process) -> None:
    """It has said goodbye."""
    await database.row(_STOP, name=process.name, host=process.host, pid=process.pid)


async def purge(database: Database) -> None:
    """Forget those that were lost long ago."""
    await database.fetch(_PURGE)


async def count_alive(database: Database) -> int:
    """How many have not missed three heartbeats."""
    row = await database.row(_COUNT)
    return row["alive"] if row else 0


async def remembered(database: Database) -> list[WorkerRecord]:
    """Those that are alive or were lost within the last hour, by name."""
    return [WorkerRecord(**dict(row)) for row in await database.fetch(_LIST)]


async def work(database: Database) -> list[WorkRecord]:
    """What is held at present, the oldest first."""
    return [WorkRecord(**dict(row)) for row in await database.fetch(_WORK)]
