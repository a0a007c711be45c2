"""Storing many inquiries at once."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Statement

# A row makes nothing when its external_id is taken or, for what was exported from this very installation, is the id of
# an inquiry.
_IMPORT = Statement(
    """
with given as materialized (
    select coalesce(given_id, uuidv7()) as id, coalesce(given_time, now()) as create_time, g.*
    from rows from (
        unnest(cast(:external_ids as text[]), cast(:own_ids as uuid[]), cast(:ids as uuid[]),
            cast(:customer_names as text[]), cast(:customer_emails as text[]), cast(:subjects as text[]),
            cast(:snippets as text[]), cast(:messages as text[]), cast(:statuses as text[]),
            cast(:categories as text[]), cast(:priorities as text[]), cast(:languages as text[]),
            cast(:create_times as timestamptz[])),
        jsonb_array_elements(cast(:tags as jsonb))
    ) as g (external_id, own_id, given_id, customer_name, customer_email, subject, snippet, message, status, category,
            priority, language, given_time, tags)
    where own_id is null or not exists (select from inquiry where id = own_id)
), made as (
    insert into inquiry (id, external_id, customer_name, customer_email, subject, snippet, status, triage_state,
        category, priority, language, tags, human_versions, create_time, resolve_time)
    select id, external_id, customer_name, customer_email, subject, snippet, status, :triage_state,
        category, coalesce(priority, 'normal'), language, array(select jsonb_array_elements_text(tags)),
        jsonb_strip_nulls(jsonb_build_object('category', case when category is not null then 1 end,
            'priority', case when priority is not null then 1 end)),
        create_time, case when status in ('resolved', 'closed') then create_time end
    from given on conflict (external_id) where external_id is not null do nothing
    returning id, status, category, priority, language, create_time
), made_messages as (
    insert into message (inquiry_id, number, author, kind, body, channel, create_time)
    select id, 1, 'customer', 'message', message, 'import', made.create_time from made join given using (id)
), made_tags as (
    insert into inquiry_tag (tag, inquiry_id)
    select jsonb_array_elements_text(tags), id from made join given using (id)
), made_jobs as (
    insert into triage_job (inquiry_id, lane, state) select id, :lane, :job_state from made
), made_events as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, 1, 'inquiry_imported', 'agent', :actor_id, jsonb_build_object('create_time', create_time,
        'status', status, 'category', category, 'priority', priority, 'language', language,
        'triage_state', cast(:triage_state as text))
    from made
)
select count(*) as imported from made
"""
)
IMPORT_LANE = 2
"""Behind what customers send now and what agents ask for again."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ACTIVE = Statement("select key from category where key = any(:keys) and active for share")


class ImportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row to store; None stands for what is not given."""

    external_id: str
    own_id: UUID | None
    customer_name: str
    customer_email: str
    subject: str
    snippet: str
    message: str
    status: str
    category: str | None
    priority: str | None
    language: str | None
    tags: list[str]
    create_time: datetime | None


async def store(connection: Connection, rows: Sequence[ImportedRow], *, triage: bool, actor_id: UUID | None) -> int:
    """Store rows of different external ids, with message, tags, job and event each; returns how many were not there."""
    row = await connection.row(
        _IMPORT,
        external_ids=[row.external_id for row in rows],
        own_ids=[row.own_id for row in rows],
        ids=[id_at(row.create_time) if row.create_time else None for row in rows],
        customer_names=[row.customer_name for row in rows],
        customer_emails=[row.customer_email for row in rows],
        subjects=[row.subject for row in rows],
        snippets=[row.snippet for row in rows],
        messages=[row.message for row in rows],
        statuses=[row.status for row in rows],
        categories=[row.category for row in rows],
        priorities=[row.priority for row in rows],
        languages=[row.language for row in rows],
        tags=[row.tags for row in rows],
        create_times=[row.create_time for row in rows],
        triage_state="queued" if triage else "done",
        job_state="queued" if triage else "idle",
        lane=IMPORT_LANE,
        actor_id=actor_id,
    )
    return row["imported"] if row else 0


def id_at(time: datetime) -> UUID:
    """A new id that sorts among those of its time: a UUIDv7 with microseconds, as PostgreSQL makes them."""
    milliseconds, microseconds = divmod((time - _EPOCH) // timedelta(microseconds=1), 1000)
    fraction = microseconds * 4096 // 1000
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62))


async def active_categories(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Which of these categories are switched on; they stay so until the transaction ends."""
    return {row["key"] for row in await connection.fetch(_ACTIVE, keys=list(keys))}
