"""Queries of the sweeper on the triage queue: leases that have ended, and doorbells for what is due.

All times come from the database's clock.
"""

from uuid import UUID

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.queue import LANES

RING_AGAIN_SECONDS = 30

_EXPIRE = Statement(
    """
with lost as (
    select inquiry_id from triage_job where state = 'running' and lease_until < now()
    order by lease_until limit 500 for update skip locked
), job as (
    update triage_job j set crashes = crashes + 1, lease_until = null, worker = null, rung_at = null,
        run_after = case when crashes + 1 >= :max_crashes then now() else run_after end,
        deferred_since = case when crashes + 1 >= :max_crashes then null else deferred_since end,
        state = case when crashes + 1 >= :max_crashes then 'idle' else 'queued' end
    from lost where j.inquiry_id = lost.inquiry_id returning j.inquiry_id, j.state, j.claim, j.crashes
), changed as (
    update inquiry set version = version + 1, update_time = now(),
        triage_state = case when job.state = 'idle' then 'failed' else 'queued' end,
        triage_reason = case when job.state = 'idle' then 'crashed_worker' end
    from job where id = job.inquiry_id returning new.id, new.version, new.triage_state, job.claim, job.crashes
)
insert into event (inquiry_id, version, kind, actor, body)
select id, version, case triage_state when 'failed' then 'triage_failed' else 'triage_lease_lost' end, 'system',
    jsonb_build_object('claim', claim, 'crashes', crashes, 'reason', 'crashed_worker', 'changes',
        jsonb_build_object('triage_state', jsonb_build_array('running', triage_state)))
from changed returning inquiry_id
"""
)
# Each lane is walked from its beginning, so that a sweep reads what it rings for and what it has rung for, not all that
# waits. Some more are locked than rung for, since each lane offers as many as there is room for.
_DUE = Statement(
    """
with room as (
    select greatest(0, cast(:most as int) - count(*)) as doorbells from triage_job
    where state = 'queued' and rung_at >= now() - make_interval(secs => :ring_again)
), ringing as (
    select due.inquiry_id from unnest(cast(:lanes as smallint[])) as l (lane) cross join lateral (
        select inquiry_id, lane, run_after from triage_job
        where state = 'queued' and lane = l.lane and run_after <= now() and ai_crashes <= 1
            and (rung_at is null or rung_at < now() - make_interval(secs => :ring_again))
        order by run_after limit (select doorbells from room) for update skip locked) due
    order by due.lane, due.run_after limit (select doorbells from room)
), suspect as (
    select inquiry_id from triage_job
    where state = 'queued' and run_after <= now() and ai_crashes > 1 and not exists (
        select from triage_job where ai_crashes > 1
            and (state = 'running' or state = 'queued' and rung_at >= now() - make_interval(secs => :ring_again)))
    order by run_after limit 1 for update skip locked
)
update triage_job j set rung_at = now()
from (select inquiry_id from ringing union all select inquiry_id from suspect) due where j.inquiry_id = due.inquiry_id
returning j.inquiry_id, j.lane, j.run_after
"""
)
_NEXT = Statement(
    """select extract(epoch from least(
        (select min(first.run_after) from unnest(cast(:lanes as smallint[])) as l (lane) cross join lateral (
            select run_after from triage_job where state = 'queued' and lane = l.lane and run_after > now()
            order by run_after limit 1) first),
        (select min(lease_until) from triage_job where state = 'running')) - now())::float8 as seconds"""
)
_FORGET_RINGS = Statement(
    "update triage_job set rung_at = null where state = 'queued' and rung_at is not null returning 1"
)


async def expire_leases(connection: Connection, max_crashes: int) -> list[UUID]:
    """Requeue jobs whose worker has vanished; those that have now lost `max_crashes` workers are failed."""
    return [row["inquiry_id"] for row in await connection.fetch(_EXPIRE, max_crashes=max_crashes)]


async def ring_due(connection: Connection, most: int) -> list[UUID]:
    """Mark due jobs as rung, live lane and oldest first, so that at most `most` doorbells are out; returns them.

    Of those that may have ended the AI service, one at a time: else the fault of one would be counted for others.
    """
    rows = await connection.fetch(_DUE, most=most, ring_again=RING_AGAIN_SECONDS, lanes=LANES)
    return [row["inquiry_id"] for row in sorted(rows, key=lambda row: (row["lane"], row["run_after"]))]


async def forget_rings(writer: Database | Connection) -> int:
    """Doorbells were lost: let the sweeper ring them again at once. Returns how many."""
    return len(await writer.fetch(_FORGET_RINGS))


async def seconds_to_next(connection: Connection) -> float | None:
    """Seconds until the next retry is due or the next lease ends; None when nothing waits."""
    row = await connection.row(_NEXT, lanes=LANES)
    return row["seconds"] if row else None
