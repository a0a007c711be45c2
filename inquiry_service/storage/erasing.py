"""What an erased inquiry takes with it: the one place that knows every table that holds what people wrote."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from inquiry_service.storage import knowledge
from inquiry_service.storage.database import Connection, Statement

OF_AN_INQUIRY = (
    *("message", "draft", "ai_run", "inquiry_tag", "outbox", "triage_job", "idempotency_key"),
    *("inquiry_embedding", "inquiry_search", "inquiry_meaning"),
)
"""Tables whose rows go with their `inquiry_id`. Events stay: they hold no texts."""

AT_REST = "status in ('resolved', 'closed', 'spam')"

# Workers lock the job before the inquiry: whoever locks both must do so in the same order.
_LOCK_JOBS = Statement("select from triage_job where inquiry_id = any(:ids) order by inquiry_id for update")
# What is just being stored with an inquiry, such as its embedding, is waited for.
_LOCK = Statement("select from inquiry where id = any(:ids) order by id for update")
_ERASE = Statement(
    "with "
    + ", ".join(f"gone_{table} as (delete from {table} where inquiry_id = any(:ids))" for table in OF_AN_INQUIRY)
    + """, gone as (
    delete from inquiry where id = any(:ids) returning id, version, status
), last_events as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version + 1, 'inquiry_erased', :actor, :actor_id,
        jsonb_build_object('changes', jsonb_build_object('status', jsonb_build_array(status, null)))
    from gone
)
select count(*) as erased from gone
"""
)
_BY_ADDRESS = "lower(customer_email) = lower(:customer_email)"
_BY_ACCOUNT = "submitter_id = :account_id"
_OF_PERSON = f"({_BY_ADDRESS} or {_BY_ACCOUNT})"
_OLD = f"{AT_REST} and update_time < now() - make_interval(days => :days)"
_SOME_OF_PERSON = Statement(f"select id from inquiry where {_OF_PERSON} limit :size")
_SOME_OLD = Statement(f"select id from inquiry where {_OLD} order by update_time limit :size")
_STILL_OLD = Statement(f"select id from inquiry where id = any(:ids) and {_OLD} for update")
_COUNT_OF_PERSON = Statement(f"select count(*) as total from inquiry where {_OF_PERSON}")
_COUNT_OLD = Statement(f"select count(*) as total from inquiry where {_OLD}")


async def erase(
    connection: Connection, ids: Sequence[UUID], actor: Literal["agent", "system"], actor_id: UUID | None = None
) -> int:
    """Delete every row that tells of these inquiries but their events, and have the AI forget them.

    Returns how many there were.
    """
    await connection.fetch(_LOCK_JOBS, ids=list(ids))
    await connection.fetch(_LOCK, ids=list(ids))
    await knowledge.forget(connection, ids)
    row = await connection.row(_ERASE, ids=list(ids), actor=actor, actor_id=actor_id)
    return row["erased"] if row else 0


async def some_of_person(
    connection: Connection, customer_email: str | None, account_id: UUID | None, size: int
) -> list[UUID]:
    """Some inquiries that were sent from this address, whatever its case, or by this account."""
    rows = await connection.fetch(_SOME_OF_PERSON, customer_email=customer_email, account_id=account_id, size=size)
    return [row["id"] for row in rows]


async def count_of_person(connection: Connection, customer_email: str | None, account_id: UUID | None) -> int:
    """How many of them there are."""
    row = await connection.row(_COUNT_OF_PERSON, customer_email=customer_email, account_id=account_id)
    return row["total"] if row else 0


async def some_old(connection: Connection, days: int, size: int) -> list[UUID]:
    """Some inquiries at rest that have not changed for so long, the oldest change first, locked as they are."""
    ids = [row["id"] for row in await connection.fetch(_SOME_OLD, days=days, size=size)]
    await connection.fetch(_LOCK_JOBS, ids=list(ids))
    return [row["id"] for row in await connection.fetch(_STILL_OLD, ids=ids, days=days)]


async def count_old(connection: Connection, days: int) -> int:
    """How many of them there are."""
    row = await connection.row(_COUNT_OLD, days=days)
    return row["total"] if row else 0
