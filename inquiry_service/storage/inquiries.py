"""Queries on inquiries: create in one statement, read one, change one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from inquiry_service.storage.database import Connection, Database, Row, Statement
from inquiry_service.storage.records import InquiryRecord

PUBLIC = "id, number, category, status, priority, triage_state, language, create_time, update_time"
CUSTOMER = """id, number, submitter_id, customer_name, customer_email, subject, snippet, status, category,
    create_time, update_time"""
STAFF = f"""{CUSTOMER}, priority, priority_reason, triage_state, triage_reason, language, external_id,
    suggested_category, category_confidence, alternatives, sentiment, sentiment_score, assignee_id, tags,
    human_versions, version, first_response_time, resolve_time, consent_version, consent_time"""
MESSAGE = "(select body from message where inquiry_id = id and number = 1) as message"
# Only the newest draft is the one that waits for an agent.
AI_RESULT = """(select case when state in ('ready', 'inserted') then body end from draft where inquiry_id = id
        order by draft.number desc limit 1) as draft,
    (select record - 'sent_text' from ai_run where inquiry_id = id and outcome <> 'superseded'
        order by claim desc limit 1) as run"""

# Of an inquiry that is given the status `:status`.
RESOLVE_TIME = """case when cast(:status as text) not in ('resolved', 'closed') then null
        when status = :status then resolve_time else now() end"""

# Inquiry, first message, job, event and, with a key, the idempotency key: one statement, one commit.
_CREATE = """
with fresh as materialized ({fresh}),
created as (
    insert into inquiry (id, submitter_id, external_id, customer_name, customer_email, subject, snippet, status,
        triage_state, consent_version, consent_time)
    select id, :submitter_id, :external_id, :customer_name, :customer_email, :subject, :snippet, :status,
        :triage_state, cast(:consent_version as text), case when :consent_version is not null then now() end from fresh
    returning id, number, status, triage_state, version, tracking_version, create_time, update_time
), first_message as (
    insert into message (inquiry_id, number, author, kind, account_id, body)
    select id, 1, 'customer', 'message', :submitter_id, :message from fresh
), job as (
    insert into triage_job (inquiry_id, lane, state, rung_at) select id, 0, :job_state, now() from fresh
), created_event as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, 1, 'inquiry_created', :actor, :actor_id, :event_body from fresh
)
select * from created
"""
_CREATE_PLAIN = Statement(_CREATE.format(fresh="select uuidv7() as id"))
_CREATE_WITH_KEY = Statement(
    _CREATE.format(
        fresh="""insert into idempotency_key (scope, key, body_hash, inquiry_id)
        values (:scope, :key, :body_hash, uuidv7()) on conflict do nothing returning inquiry_id as id"""
    )
)
_BY_KEY = Statement(
    """select k.body_hash, i.id, i.number, i.status, i.triage_state, i.version, i.tracking_version,
        i.create_time, i.update_time
    from idempotency_key k join inquiry i on i.id = k.inquiry_id where k.scope = :scope and k.key = :key"""
)
_PUBLIC_BY_ID = Statement(f"select {PUBLIC} from inquiry where id = :id")
_CUSTOMER_BY_ID = Statement(
    f"select {CUSTOMER}, {MESSAGE} from inquiry where id = :id and submitter_id = :submitter_id"
)
_STAFF_BY_ID = Statement(f"select {STAFF}, {MESSAGE}, {AI_RESULT} from inquiry where id = :id")
_LOCK = Statement(f"select {STAFF} from inquiry where id = :id for update")
_UPDATE = Statement(
    f"""
with changed as (
    update inquiry set category = :category, suggested_category = :suggested_category, sentiment = :sentiment,
        sentiment_score = :sentiment_score, priority = :priority, priority_reason = :priority_reason, status = :status,
        resolve_time = {RESOLVE_TIME}, assignee_id = :assignee_id, tags = :tags, triage_state = :triage_state,
        human_versions = :human_versions, version = version + 1, update_time = now()
    where id = :id and version = :before returning {STAFF}
), gone_tags as (
    delete from inquiry_tag using changed where inquiry_id = changed.id and tag <> all(changed.tags)
), new_tags as (
    insert into inquiry_tag (tag, inquiry_id) select unnest(tags), id from changed on conflict do nothing
), changed_event as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version, 'inquiry_updated', 'agent', :actor_id, :event_body from changed
)
select {STAFF}, {MESSAGE}, {AI_RESULT} from changed
"""
)
_TITLES = Statement("select id, number, subject from inquiry where id = any(:ids)")
_ASSIGNABLE = Statement("select true from account where id = :id and active and role in ('support', 'admin')")
_ACTIVE_CATEGORY = Statement("select true from category where key = :key and active for share")
_PURGE_KEYS = Statement("delete from idempotency_key where create_time < now() - interval '24 hours' returning 1")


async def create(database: Database, values: dict[str, Any]) -> InquiryRecord:
    """Store a new inquiry with its message, job and event. Raises UniqueViolationError for a taken external id."""
    row = await database.row(_CREATE_PLAIN, **values)
    return InquiryRecord(**dict(row or {}))


async def create_once(database: Database, values: dict[str, Any]) -> InquiryRecord | None:
    """The same under an idempotency key (`scope`, `key`, `body_hash`); None when the key is taken."""
    row = await database.row(_CREATE_WITH_KEY, **values)
    return InquiryRecord(**dict(row)) if row else None


async def by_key(database: Database, scope: str, key: str) -> tuple[bytes, InquiryRecord] | None:
    """The hash of the body that first used the key, and what it created."""
    row = await database.row(_BY_KEY, scope=scope, key=key)
    if row is None:
        return None
    values = dict(row)
    return values.pop("body_hash"), InquiryRecord(**values)


async def for_public(database: Database, id_: UUID) -> InquiryRecord | None:
    """The public view."""
    return _record(await database.row(_PUBLIC_BY_ID, id=id_))


async def for_customer(database: Database, id_: UUID, submitter_id: UUID) -> InquiryRecord | None:
    """The customer's view of what they sent themselves."""
    return _record(await database.row(_CUSTOMER_BY_ID, id=id_, submitter_id=submitter_id))


async def for_staff(database: Database, id_: UUID) -> InquiryRecord | None:
    """Everything, with first message, draft and the record of the last AI run."""
    return _record(await database.row(_STAFF_BY_ID, id=id_))


async def lock(connection: Connection, id_: UUID) -> InquiryRecord | None:
    """Everything that a change may touch, locked until the transaction ends."""
    return _record(await connection.row(_LOCK, id=id_))


async def update(reader: Database | Connection, values: dict[str, Any]) -> InquiryRecord | None:
    """Write new values and the event that tells of them; None if its version is no longer the one `before`."""
    return _record(await reader.row(_UPDATE, **values))


async def titles(database: Database, ids: Sequence[UUID]) -> dict[UUID, tuple[int, str]]:
    """Number and subject of those of these inquiries that are there."""
    return {row["id"]: (row["number"], row["subject"]) for row in await database.fetch(_TITLES, ids=list(ids))}


async def is_assignable(reader: Database | Connection, account_id: UUID) -> bool:
    """Whether inquiries can be assigned to this account: active staff."""
    return await reader.row(_ASSIGNABLE, id=account_id) is not None


async def is_active_category(reader: Database | Connection, key: str) -> bool:
    """Whether the taxonomy has this category switched on; it stays so until the transaction ends."""
    return await reader.row(_ACTIVE_CATEGORY, key=key) is not None


async def purge_idempotency_keys(database: Database) -> int:
    """Forget keys older than 24 hours; returns how many."""
    return len(await database.fetch(_PURGE_KEYS))


def is_taken(error: asyncpg.UniqueViolationError, column: str) -> bool:
    """Whether the violated constraint guards this column."""
    return column in (error.constraint_name or "")


def _record(row: Row | None) -> InquiryRecord | None:
    return InquiryRecord(**dict(row)) if row else None
