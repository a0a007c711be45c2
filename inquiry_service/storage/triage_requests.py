"""Asking for an analysis of an inquiry that had one before."""

from uuid import UUID

from inquiry_service.storage.database import Connection, Statement

_LOCK = Statement("select from triage_job where inquiry_id = :inquiry_id for update")
# A retriage needs no new message, so that the revision may run ahead of the messages' numbers.
_REQUEST = Statement(
    """update triage_job set requested_revision = greatest(requested_revision + 1, :revision), lane = :lane,
        attempt = case state when 'running' then attempt else 0 end,
        run_after = case state when 'running' then run_after when 'queued' then least(run_after, now()) else now() end,
        rung_at = case state when 'running' then rung_at else now() end,
        state = case state when 'running' then state else 'queued' end
    where inquiry_id = :inquiry_id returning state"""
)
# An imported inquiry may never have had a job. Only what rests is queued; claims go on from where they were.
_REQUEST_AGAIN = Statement(
    """
with asked as (
    insert into triage_job (inquiry_id, lane, rung_at, requested_revision)
    select id, :lane, now(), (select max(number) from message where inquiry_id = id and kind <> 'note')
    from inquiry where id = :inquiry_id for update
    on conflict (inquiry_id) do update set state = 'queued', lane = excluded.lane, attempt = 0, crashes = 0,
        unreached = 0, ai_crashes = 0, ai_crash_time = null, deferred_since = null, run_after = now(), rung_at = now()
    where triage_job.state = 'idle'
    returning inquiry_id
), changed as (
    update inquiry set triage_state = 'queued', triage_reason = null, version = version + 1, update_time = now()
    from asked where id = asked.inquiry_id returning new.id, new.version, old.triage_state as before
)
insert into event (inquiry_id, version, kind, actor, actor_id, body)
select id, version, 'triage_requested', 'agent', :actor_id,
    jsonb_build_object('changes', jsonb_build_object('triage_state', jsonb_build_array(before, 'queued')))
from changed returning number
"""
)


async def lock(connection: Connection, inquiry_id: UUID) -> None:
    """Lock the job, which whoever locks job and inquiry does first."""
    await connection.row(_LOCK, inquiry_id=inquiry_id)


async def request(connection: Connection, inquiry_id: UUID, *, revision: int, lane: int) -> str:
    """Ask for another analysis, of the conversation up to the message numbered `revision`; returns the job's state.

    A claim that is held stays so: its result will be outdated, and the job queued again.
    """
    row = await connection.row(_REQUEST, inquiry_id=inquiry_id, revision=revision, lane=lane)
    return str(row["state"]) if row else ""


async def request_again(connection: Connection, inquiry_id: UUID, *, lane: int, actor_id: UUID | None) -> bool:
    """Queue an inquiry as it is, with its event; False when it waits or runs already, or is not there."""
    await lock(connection, inquiry_id)
    row = await connection.row(_REQUEST_AGAIN, inquiry_id=inquiry_id, lane=lane, actor_id=actor_id)
    return row is not None
