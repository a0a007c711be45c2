"""What operators see of the queue of record. All times come from the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

QueueState = Literal["waiting", "retrying", "running", "failed"]

LANES = (0, 1, 2)
MOST_REASONS = 50

# Counted along the partial indexes of what is at work, however much is done.
_DEPTH = Statement(
    """select lane, sum(waiting)::bigint as waiting, sum(retrying)::bigint as retrying, sum(running)::bigint as running
    from (
        select lane, count(*) filter (where run_after <= now()) as waiting,
            count(*) filter (where run_after > now()) as retrying, 0 as running
        from triage_job where state = 'queued' group by lane
        union all select lane, 0, 0, count(*) from triage_job where state = 'running' group by lane
    ) counted group by lane order by lane"""
)
# One look at the beginning of each lane, and one at what something else has put off.
_OLDEST = Statement(
    """
with oldest as (
    select first.* from unnest(cast(:lanes as smallint[])) as l (lane) cross join lateral (
        select inquiry_id, run_after as since from triage_job
        where state = 'queued' and lane = l.lane and run_after <= now() order by run_after limit 1) first
    union all (
        select inquiry_id, deferred_since from triage_job
        where state = 'queued' and deferred_since is not null order by deferred_since limit 1)
)
select o.inquiry_id, i.number, j.lane, o.since, extract(epoch from now() - o.since)::float8 as age,
    coalesce(i.triage_reason, '') as reason
from oldest o join triage_job j using (inquiry_id) join inquiry i on i.id = o.inquiry_id
order by o.since limit 1
"""
)
_NEXT_RETRY = Statement(
    """select min(first.run_after) as time from unnest(cast(:lanes as smallint[])) as l (lane) cross join lateral (
        select run_after from triage_job where state = 'queued' and lane = l.lane and run_after > now()
        order by run_after limit 1) first"""
)
_FAILED = Statement(
    f"""select coalesce(triage_reason, '') as reason, count(*) as count from inquiry where triage_state = 'failed'
    group by triage_reason order by count(*) desc, triage_reason limit {MOST_REASONS}"""
)

_MATCHES = """(cardinality(cast(:reasons as text[])) = 0 or i.triage_reason = any(:reasons))
        and (cardinality(cast(:categories as text[])) = 0 or i.category = any(:categories))
        and i.create_time <= now() - make_interval(secs => :older_than)"""
_JOB = """j.inquiry_id, i.number, j.lane, coalesce(i.category, '') as category, j.attempt, j.crashes, j.ai_crashes,
    coalesce(i.triage_reason, '') as reason, j.claim, coalesce(j.worker, '') as worker, i.create_time"""
_QUEUED = f"""select listed.* from unnest(cast(:lanes as smallint[])) as l (lane) cross join lateral (
        select {_JOB}, j.run_after as time from triage_job j join inquiry i on i.id = j.inquiry_id
        where j.state = 'queued' and j.lane = l.lane and j.run_after {{when}} now() and {_MATCHES}
            and (j.run_after, j.inquiry_id) > (:time, :id)
        order by j.run_after, j.inquiry_id limit :size) listed
    order by time, inquiry_id limit :size"""
_PAGES = {
    "waiting": Statement(_QUEUED.format(when="<=")),
    "retrying": Statement(_QUEUED.format(when=">")),
    "running": Statement(
        f"""select * from (
            select {_JOB}, coalesce(j.claim_time, j.run_after) as time
            from triage_job j join inquiry i on i.id = j.inquiry_id
            where j.state = 'running' and j.lane = any(:lanes) and {_MATCHES}) held
        where (time, inquiry_id) > (:time, :id) order by time, inquiry_id limit :size"""
    ),
    # A job that has failed keeps the time at which it did.
    "failed": Statement(
        f"""select {_JOB}, j.run_after as time from inquiry i join triage_job j on j.inquiry_id = i.id
        where i.triage_state = 'failed' and j.lane = any(:lanes) and {_MATCHES} and i.id < :id
        order by i.id desc limit :size"""
    ),
}
_FAILED_IDS = Statement(
    f"""select i.id from inquiry i join triage_job j on j.inquiry_id = i.id
    where i.triage_state = 'failed' and j.lane = any(:lanes) and {_MATCHES} order by i.id limit :size"""
)
# Whoever locks job and inquiry locks the job first.
_LOCK = Statement("select from triage_job where inquiry_id = any(:ids) order by inquiry_id for update")
_RETRY = Statement(
    """
with asked as (
    update triage_job j set state = 'queued', lane = greatest(j.lane, cast(:lane as smallint)), run_after = now(),
        attempt = 0, crashes = 0, unreached = 0, ai_crashes = 0, ai_crash_time = null, deferred_since = null,
        rung_at = null
    from inquiry i
    where j.inquiry_id = any(:ids) and j.state = 'idle' and i.id = j.inquiry_id and i.triage_state = 'failed'
    returning j.inquiry_id
), changed as (
    update inquiry set triage_state = 'queued', triage_reason = null, version = version + 1, update_time = now()
    from asked where id = asked.inquiry_id returning new.id, new.version, old.triage_reason as reason
)
insert into event (inquiry_id, version, kind, actor, actor_id, body)
select id, version, 'triage_requested', 'agent', :actor_id, jsonb_build_object(
    'reason', reason, 'changes', jsonb_build_object('triage_state', jsonb_build_array('failed', 'queued')))
from changed returning inquiry_id
"""
)


class LaneDepth(msgspec.Struct, frozen=True):
    """How many jobs of a lane are in each state."""

    lane: int
    waiting: int
    retrying: int
    running: int


class OldestRecord(msgspec.Struct, frozen=True):
    """What has waited longest; `age` in seconds."""

    inquiry_id: UUID
    number: int
    lane: int
    since: datetime
    age: float
    reason: str


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One job; what `time` is depends on its state."""

    inquiry_id: UUID
    number: int
    lane: int
    category: str
    attempt: int
    crashes: int
    ai_crashes: int
    reason: str
    time: datetime
    claim: int
    worker: str
    create_time: datetime


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs; empty lists leave nothing out. Received at least `older_than` seconds ago."""

    reasons: Sequence[str] = ()
    lanes: Sequence[int] = LANES
    categories: Sequence[str] = ()
    older_than: float = 0.0


async def depth(database: Database) -> list[LaneDepth]:
    """How many jobs wait and run."""
    return [LaneDepth(**dict(row)) for row in await database.fetch(_DEPTH)]


async def oldest(database: Database) -> OldestRecord | None:
    """What has waited longest, be it due or put off through no fault of its own."""
    row = await database.row(_OLDEST, lanes=LANES)
    return OldestRecord(**dict(row)) if row else None


async def next_retry(database: Database) -> datetime | None:
    """When the next retry is due."""
    row = await database.row(_NEXT_RETRY, lanes=LANES)
    return row["time"] if row else None


async def failed_by_reason(database: Database) -> list[tuple[str, int]]:
    """How many have failed for each reason."""
    return [(row["reason"], row["count"]) for row in await database.fetch(_FAILED)]


async def page(
    database: Database, state: QueueState, filter_: JobFilter, *, after: tuple[datetime, UUID], size: int
) -> list[JobRecord]:
    """The jobs that follow this time and inquiry; of failed ones, that precede the inquiry."""
    time, id_ = after
    values = {**_values(filter_), "id": id_, "size": size} | ({} if state == "failed" else {"time": time})
    # Reasons and categories may be rare or nearly everywhere.
    async with database.planning() as connection:
        return [JobRecord(**dict(row)) for row in await connection.fetch(_PAGES[state], **values)]


async def failed_ids(connection: Connection, filter_: JobFilter, size: int) -> list[UUID]:
    """Some inquiries that have failed, the oldest first."""
    return [row["id"] for row in await connection.fetch(_FAILED_IDS, **_values(filter_), size=size)]


async def retry(connection: Connection, ids: Sequence[UUID], *, lane: int, actor_id: UUID | None) -> int:
    """Queue those of these that have failed, each with its event; returns how many."""
    await connection.fetch(_LOCK, ids=list(ids))
    return len(await connection.fetch(_RETRY, ids=list(ids), lane=lane, actor_id=actor_id))


def _values(filter_: JobFilter) -> dict[str, object]:
    return msgspec.structs.asdict(filter_)
