"""Queries on the triage queue of record. All times come from the database's clock."""

from typing import Any
from uuid import UUID

from inquiry_service.storage import context
from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.records import ClaimedJob, HeldJob

_CLAIM = Statement(
    f"""
with job as (
    update triage_job set state = 'running', claim = claim + 1, claimed_revision = requested_revision,
        worker = :worker, claim_time = now(), lease_until = now() + make_interval(secs => :lease), rung_at = null
    where inquiry_id = :inquiry_id and state = 'queued' and run_after <= now()
    returning inquiry_id, claim, claimed_revision, crashes, ai_crashes
), started as (
    update inquiry set triage_state = 'running', triage_reason = null, version = version + 1, update_time = now()
    from job where id = job.inquiry_id
    returning new.id, new.number, new.version, new.customer_name, new.subject, new.language, new.category,
        new.suggested_category, old.triage_state as before
), started_event as (
    insert into event (inquiry_id, version, kind, actor, body)
    select id, version, 'triage_started', 'system', jsonb_build_object(
        'claim', job.claim, 'worker', cast(:worker as text),
        'changes', jsonb_build_object('triage_state', jsonb_build_array(before, 'running')))
    from started join job on job.inquiry_id = id
)
select job.claim, job.crashes, job.ai_crashes, {context.told("started", newest="job.claimed_revision")}
from job join started on started.id = job.inquiry_id
"""
)
_RENEW = Statement(
    """update triage_job j set lease_until = now() + make_interval(secs => :lease)
    from unnest(cast(:inquiry_ids as uuid[]), cast(:claims as bigint[])) as held (inquiry_id, claim)
    where j.inquiry_id = held.inquiry_id and j.claim = held.claim and j.state = 'running'
    returning j.inquiry_id, j.claim"""
)
_HOLD = Statement(
    """select j.requested_revision, j.claimed_revision, j.attempt, i.triage_state, i.category, i.suggested_category,
        i.category_confidence, i.alternatives, i.sentiment, i.sentiment_score, i.priority, i.priority_reason,
        i.language, i.human_versions, array(select key from category where active) as taxonomy
    from triage_job j join inquiry i on i.id = j.inquiry_id
    where j.inquiry_id = :inquiry_id and j.claim = :claim and j.state = 'running' for update of j, i"""
)
_COMPLETE = Statement(
    """
with job as (
    update triage_job set state = 'idle', attempt = 0, crashes = 0, unreached = 0, ai_crashes = 0, ai_crash_time = null,
        deferred_since = null, lease_until = null, worker = null
    where inquiry_id = :inquiry_id returning claimed_revision
), changed as (
    update inquiry set triage_state = :triage_state, triage_reason = null, category = :category,
        suggested_category = :suggested_category, category_confidence = :category_confidence,
        alternatives = :alternatives, sentiment = :sentiment, sentiment_score = :sentiment_score,
        priority = :priority, priority_reason = :priority_reason, language = :language,
        version = version + 1, update_time = now()
    where id = :inquiry_id returning version
), run as (
    insert into ai_run (inquiry_id, claim, revision, outcome, record)
    select :inquiry_id, :claim, claimed_revision, :outcome, :record from job
), meaning as (
    insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
    select :inquiry_id, :encoder_version, embedding from (select cast(:embedding as halfvec) as embedding) made
    where embedding is not null
    on conflict (inquiry_id) do update set encoder_version = excluded.encoder_version,
        embedding = excluded.embedding, update_time = now()
), old_drafts as (
    update draft set state = 'superseded', update_time = now()
    where inquiry_id = :inquiry_id and state in ('generating', 'ready', 'inserted')
    returning new.number, old.state as before
), new_draft as (
    insert into draft (inquiry_id, claim, revision, state, body, model, cited, missing, masked)
    select :inquiry_id, :claim, (select max(number) from message
        where inquiry_id = :inquiry_id and author = 'customer' and number <= claimed_revision),
        'ready', cast(:draft as text), cast(:record as jsonb) -> 'model', :cited, :missing,
        cast(:record as jsonb) -> 'masked' from job where :draft <> ''
    returning number
), draft_events as (
    insert into event (inquiry_id, version, kind, actor, body)
    select :inquiry_id, version, 'draft_changed', 'ai', jsonb_build_object('draft_number', number,
        'changes', jsonb_build_object('draft_state', jsonb_build_array(before, 'superseded')))
    from old_drafts, changed
)
insert into event (inquiry_id, version, kind, actor, body)
select :inquiry_id, version, 'triage_completed', 'ai', cast(:event_body as jsonb)
    || coalesce((select jsonb_build_object('draft_number', number) from new_draft), '{}')
from changed
returning number
"""
)
_SUPERSEDE = Statement(
    """with run as (
        insert into ai_run (inquiry_id, claim, revision, outcome, record)
        select inquiry_id, claim, claimed_revision, 'superseded', :record
        from triage_job where inquiry_id = :inquiry_id
    )
    select 1"""
)
# Leaves 'running' for 'queued' (again after a delay, or in its old place without one) or 'idle' (failed), and says so
# in inquiry and event log. Since when it waits through no fault of its own is remembered.
_LEAVE = Statement(
    """
with job as (
    update triage_job set state = :job_state, attempt = :attempt, lease_until = null, worker = null, rung_at = null,
        deferred_since = case when :deferred then coalesce(deferred_since, run_after) end,
        run_after = coalesce(now() + make_interval(secs => cast(:delay as float8)), run_after)
    where inquiry_id = :inquiry_id returning run_after, claim
), changed as (
    update inquiry set triage_state = :triage_state, triage_reason = :reason, version = version + 1, update_time = now()
    where id = :inquiry_id returning new.version, old.triage_state as before
), left_event as (
    insert into event (inquiry_id, version, kind, actor, body)
    select :inquiry_id, version, :kind, 'system', jsonb_build_object('claim', claim, 'reason', cast(:reason as text),
        'attempt', cast(:attempt as int), 'changes',
        jsonb_build_object('triage_state', jsonb_build_array(before, cast(:triage_state as text))))
    from changed, job
)
select run_after from job
"""
)
# The first time may always have been its fault, later ones only if the AI service had served others since.
_UNREACHED = Statement(
    """
with suspected as (
    select ai_crash_time is null or exists (
        select from throughput where measure = 'done' and bucket > ai_crash_time) as again
    from triage_job where inquiry_id = :inquiry_id
)
update triage_job set unreached = unreached + 1,
    ai_crashes = ai_crashes + case when again then 1 else 0 end,
    ai_crash_time = case when again then now() else ai_crash_time end
from suspected where inquiry_id = :inquiry_id
returning unreached, ai_crashes
"""
)
_TRY_LEAD = Statement("select pg_try_advisory_xact_lock(:key) as led")


async def claim(database: Database, inquiry_id: UUID, worker: str, lease: float) -> ClaimedJob | None:
    """Take a due job for `lease` seconds under a new claim number; None when it is not due or somebody holds it."""
    row = await database.row(_CLAIM, inquiry_id=inquiry_id, worker=worker, lease=lease)
    return ClaimedJob(**dict(row)) if row else None


async def renew(database: Database, claims: list[tuple[UUID, int]], lease: float) -> set[tuple[UUID, int]]:
    """Prolong current claims by `lease` seconds from now; returns those that were still current."""
    ids, numbers = [claim[0] for claim in claims], [claim[1] for claim in claims]
    rows = await database.fetch(_RENEW, inquiry_ids=ids, claims=numbers, lease=lease)
    return {(row["inquiry_id"], row["claim"]) for row in rows}


async def hold(connection: Connection, inquiry_id: UUID, claim_number: int) -> HeldJob | None:
    """Lock the job and its inquiry if this claim is the current one."""
    row = await connection.row(_HOLD, inquiry_id=inquiry_id, claim=claim_number)
    return HeldJob(**dict(row)) if row else None


async def complete(connection: Connection, values: dict[str, Any]) -> None:
    """Write a result: fields, decision record, embedding, draft, event; the job comes to rest."""
    await connection.row(_COMPLETE, **values)


async def supersede(connection: Connection, inquiry_id: UUID, record: dict[str, Any]) -> None:
    """Keep a result that came too late, without applying it."""
    await connection.row(_SUPERSEDE, inquiry_id=inquiry_id, record=record)


async def count_unreached(connection: Connection, inquiry_id: UUID) -> tuple[int, int]:
    """Note that the AI service went away with a held job: how often in a row, and how often that may be its fault."""
    row = await connection.row(_UNREACHED, inquiry_id=inquiry_id)
    return (row["unreached"], row["ai_crashes"]) if row else (0, 0)


async def leave(connection: Connection, values: dict[str, Any]) -> Any:
    """Give a held job back to the queue or to failure; returns when it may run again."""
    row = await connection.row(_LEAVE, **values)
    return row["run_after"] if row else None


async def try_lead(connection: Connection, key: int) -> bool:
    """Become the only replica that sweeps, until the transaction ends."""
    row = await connection.row(_TRY_LEAD, key=key)
    return bool(row and row["led"])
