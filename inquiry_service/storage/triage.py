"""Queries on the triage queue of record. All times come from the database's clock."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from inquiry_service.storage import context
from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.records import ClaimedJob, HeldJob

_CLAIM = Statement(
    f"""
with due as (
    select inquiry_id from triage_job
    where inquiry_id = any(:inquiry_ids) and state = 'queued' and run_after <= now()
    order by inquiry_id for update
), job as (
    update triage_job j set state = 'running', claim = claim + 1, claimed_revision = requested_revision,
        worker = :worker, claim_time = now(), lease_until = now() + make_interval(secs => :lease), rung_at = null
    from due where j.inquiry_id = due.inquiry_id
    returning j.inquiry_id, claim, claimed_revision, crashes, ai_crashes
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
select job.inquiry_id, job.claim, job.crashes, job.ai_crashes, {context.told("started", newest="job.claimed_revision")}
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
    """select j.inquiry_id, j.claim, j.requested_revision, j.claimed_revision, j.attempt,
        i.triage_state, i.category, i.suggested_category,
        i.category_confidence, i.alternatives, i.sentiment, i.sentiment_score, i.priority, i.priority_reason,
        i.language, i.human_versions, array(select key from category where active) as taxonomy
    from unnest(cast(:inquiry_ids as uuid[]), cast(:claims as bigint[])) as asked (inquiry_id, claim)
    join triage_job j on j.inquiry_id = asked.inquiry_id and j.claim = asked.claim and j.state = 'running'
    join inquiry i on i.id = j.inquiry_id
    order by j.inquiry_id for update of j, i"""
)
_COMPLETE = Statement(
    """
with result as materialized (
    select told.*, meant.embedding from jsonb_to_recordset(:results) as told (inquiry_id uuid, claim bigint,
        outcome text, triage_state text, category text, suggested_category text, category_confidence float8,
        alternatives jsonb, sentiment text, sentiment_score float8, priority text, priority_reason text, language text,
        record jsonb, draft text, encoder_version text, event_body jsonb)
    join unnest(cast(:inquiry_ids as uuid[]), cast(:embeddings as halfvec[])) as meant (inquiry_id, embedding)
        using (inquiry_id)
), job as (
    update triage_job j set state = 'idle', attempt = 0, crashes = 0, unreached = 0, ai_crashes = 0,
        ai_crash_time = null, deferred_since = null, lease_until = null, worker = null
    from result where j.inquiry_id = result.inquiry_id returning j.inquiry_id, claimed_revision
), changed as (
    update inquiry i set triage_state = r.triage_state, triage_reason = null, category = r.category,
        suggested_category = r.suggested_category, category_confidence = r.category_confidence,
        alternatives = r.alternatives, sentiment = r.sentiment, sentiment_score = r.sentiment_score,
        priority = r.priority, priority_reason = r.priority_reason, language = r.language,
        version = version + 1, update_time = now()
    from result r where i.id = r.inquiry_id returning i.id as inquiry_id, version
), run as (
    insert into ai_run (inquiry_id, claim, revision, outcome, record)
    select inquiry_id, claim, claimed_revision, outcome, record from result join job using (inquiry_id)
), meaning as (
    insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
    select inquiry_id, encoder_version, embedding from result where embedding is not null
    on conflict (inquiry_id) do update set encoder_version = excluded.encoder_version,
        embedding = excluded.embedding, update_time = now()
), old_drafts as (
    update draft d set state = 'superseded', update_time = now()
    from result r where d.inquiry_id = r.inquiry_id and d.state in ('generating', 'ready', 'inserted')
    returning d.inquiry_id, new.number, old.state as before
), new_draft as (
    insert into draft (inquiry_id, claim, revision, state, body, model, cited, missing, masked)
    select r.inquiry_id, r.claim, (select max(number) from message m
        where m.inquiry_id = r.inquiry_id and author = 'customer' and number <= claimed_revision),
        'ready', r.draft, record -> 'model', array(select jsonb_array_elements_text(record -> 'cited')),
        array(select jsonb_array_elements_text(record -> 'missing')), record -> 'masked'
    from result r join job using (inquiry_id) where r.draft <> ''
    returning inquiry_id, number
), draft_events as (
    insert into event (inquiry_id, version, kind, actor, body)
    select inquiry_id, version, 'draft_changed', 'ai', jsonb_build_object('draft_number', number,
        'changes', jsonb_build_object('draft_state', jsonb_build_array(before, 'superseded')))
    from old_drafts join changed using (inquiry_id)
)
insert into event (inquiry_id, version, kind, actor, body)
select inquiry_id, version, 'triage_completed', 'ai', r.event_body
    || coalesce((select jsonb_build_object('draft_number', number) from new_draft n
        where n.inquiry_id = r.inquiry_id), '{}')
from result r join changed using (inquiry_id)
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

Claim = tuple[UUID, int]
"""An inquiry and the number of a claim on its job."""


async def claim(database: Database, inquiry_ids: Sequence[UUID], worker: str, lease: float) -> list[ClaimedJob]:
    """Take those of these jobs that are due and held by nobody, for `lease` seconds under new claim numbers."""
    rows = await database.fetch(_CLAIM, inquiry_ids=list(inquiry_ids), worker=worker, lease=lease)
    return [ClaimedJob(**dict(row)) for row in rows]


async def renew(database: Database, claims: Sequence[Claim], lease: float) -> set[Claim]:
    """Prolong current claims by `lease` seconds from now; returns those that were still current."""
    ids, numbers = [claim[0] for claim in claims], [claim[1] for claim in claims]
    rows = await database.fetch(_RENEW, inquiry_ids=ids, claims=numbers, lease=lease)
    return {(row["inquiry_id"], row["claim"]) for row in rows}


async def hold(connection: Connection, claims: Sequence[Claim]) -> dict[Claim, HeldJob]:
    """Lock the jobs and inquiries of those claims that are the current ones."""
    inquiry_ids, numbers = [claim[0] for claim in claims], [claim[1] for claim in claims]
    rows = await connection.fetch(_HOLD, inquiry_ids=inquiry_ids, claims=numbers)
    return {(row["inquiry_id"], row["claim"]): HeldJob(**dict(row)) for row in rows}


async def complete(connection: Connection, results: Sequence[dict[str, Any]], embeddings: Sequence[bytes]) -> None:
    """Write results of held jobs: fields, decision record, draft, event; each comes to rest. An embedding may be empty.

    Values are named as in the statement; all of JSON, so that one statement takes any number of them.
    """
    await connection.fetch(
        _COMPLETE,
        results=list(results),
        inquiry_ids=[result["inquiry_id"] for result in results],
        embeddings=[embedding or None for embedding in embeddings],
    )


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
