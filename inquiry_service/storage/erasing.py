"""What an erased inquiry takes with it."""

from uuid import UUID

from inquiry_service.storage.database import Connection, Statement

# Workers lock the job before the inquiry: whoever locks both must do so in the same order.
_LOCK_JOB = Statement("select from triage_job where inquiry_id = :id for update")
_ERASE = Statement(
    """
with gone as (
    delete from inquiry where id = :id returning id, version, status
), gone_messages as (
    delete from message where inquiry_id = :id
), gone_drafts as (
    delete from draft where inquiry_id = :id
), gone_runs as (
    delete from ai_run where inquiry_id = :id
), gone_tags as (
    delete from inquiry_tag where inquiry_id = :id
), gone_job as (
    delete from triage_job where inquiry_id = :id
), gone_meaning as (
    delete from inquiry_embedding where inquiry_id = :id
), unfindable as (
    delete from inquiry_search where inquiry_id = :id
), gone_bits as (
    delete from inquiry_meaning where inquiry_id = :id
), gone_keys as (
    delete from idempotency_key where inquiry_id = :id
), last_event as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version + 1, 'inquiry_erased', 'agent', :actor_id, jsonb_build_object(
        'changes', jsonb_build_object('status', jsonb_build_array(status, null)))
    from gone
)
select id from gone
"""
)


async def erase(connection: Connection, id_: UUID, actor_id: UUID | None) -> bool:
    """Delete every row that tells of an inquiry but its events, which hold no texts; False where there is none."""
    await connection.row(_LOCK_JOB, id=id_)
    return await connection.row(_ERASE, id=id_, actor_id=actor_id) is not None
