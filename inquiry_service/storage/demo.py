"""What `pok demo` does behind the service's back, as the owner of the tables: moving its story into the past, and
taking all of it away."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.erasing import OF_AN_INQUIRY

_OURS = "coalesce(external_id, '') like :prefix || '%'"
_COUNT = Statement(
    f"""select count(*) filter (where {_OURS}) as ours, count(*) filter (where not {_OURS}) as others,
        count(*) filter (where {_OURS} and triage_state in ('queued', 'running')) as waiting from inquiry"""
)
_IDS = Statement(f"select external_id, id from inquiry where {_OURS}")
_MOVE_EVENTS = Statement(
    """
with mark as (
    select * from unnest(cast(:ids as uuid[]), cast(:versions as int[]), cast(:times as timestamptz[]))
        as mark (inquiry_id, version, time)
)
update event set
    create_time = coalesce((
        select time from mark where mark.inquiry_id = event.inquiry_id and mark.version >= event.version
        order by mark.version limit 1), create_time),
    kind = case version when 1 then 'inquiry_created' else kind end,
    actor = case version when 1 then 'customer' else actor end,
    actor_id = case version when 1 then null else actor_id end
where inquiry_id in (select inquiry_id from mark) returning number
"""
)
# Rows take the time of the event that tells of them.
_MOVE_MESSAGES = Statement(
    """update message set create_time = event.create_time from event
    where message.inquiry_id = any(:ids) and event.inquiry_id = message.inquiry_id
        and event.kind = 'message_created' and cast(event.body ->> 'number' as int) = message.number
    returning message.number"""
)
_MOVE_RUNS = Statement(
    """update ai_run set create_time = event.create_time from event
    where ai_run.inquiry_id = any(:ids) and event.inquiry_id = ai_run.inquiry_id
        and event.kind = 'triage_completed' and cast(event.body ->> 'claim' as bigint) = ai_run.claim
    returning ai_run.claim"""
)
_MOVE_DRAFTS = Statement(
    """update draft set create_time = run.create_time, update_time = coalesce((
        select create_time from message where inquiry_id = draft.inquiry_id and number = draft.reply_number
    ), run.create_time) from ai_run run
    where draft.inquiry_id = any(:ids) and run.inquiry_id = draft.inquiry_id and run.claim = draft.claim
    returning draft.number"""
)
_MOVE_INQUIRIES = Statement(
    """update inquiry set
    first_response_time = (
        select min(create_time) from message where inquiry_id = id and kind = 'reply'),
    resolve_time = case when status in ('resolved', 'closed') then (
        select max(create_time) from event where inquiry_id = id and body #>> '{changes,status,1}' = 'resolved') end,
    update_time = (select max(create_time) from event where inquiry_id = id)
    where id = any(:ids) returning id"""
)
_FROM_THE_FORM = Statement(
    "update message set channel = 'web' where inquiry_id = any(:ids) and channel = 'import' returning number"
)
# Nobody is to get an e-mail from a story.
_SEND_NOTHING = Statement("delete from outbox where inquiry_id = any(:ids) returning inquiry_id")

_LOCK_JOBS = Statement("select from triage_job where inquiry_id = any(:ids) order by inquiry_id for update")
_REMOVE = Statement(
    "with "
    + ", ".join(
        f"gone_{table} as (delete from {table} where inquiry_id = any(:ids))" for table in (*OF_AN_INQUIRY, "event")
    )
    + " delete from inquiry where id = any(:ids) returning id"
)
_REMOVE_AGENTS = Statement("delete from account where email = any(:emails) returning id")
_UNASSIGN = Statement("update inquiry set assignee_id = null where assignee_id = any(:agents) returning id")

_HOLD_STATISTICS = Statement("select from projection where name = 'statistics' for update")
_COUNT_ANEW = Statement(
    """with no_sums as (delete from statistic), no_times as (delete from statistic_inquiry)
    update projection set era = 0, txid = '0', number = 0 where name = 'statistics' returning name"""
)


class Count(NamedTuple):
    """How many inquiries are of the demo, how many are not, and how many of the demo the machine has yet to do."""

    ours: int
    others: int
    waiting: int


class Mark(NamedTuple):
    """Up to this version, all that happened to the inquiry after its previous mark happened at this time."""

    inquiry_id: UUID
    version: int
    time: datetime


async def count(database: Database, prefix: str) -> Count:
    """What is there."""
    row = await database.row(_COUNT, prefix=prefix)
    return Count(**row) if row else Count(0, 0, 0)


async def ids(reader: Database | Connection, prefix: str) -> Mapping[str, UUID]:
    """The inquiries of the demo, by external id."""
    return {row["external_id"]: row["id"] for row in await reader.fetch(_IDS, prefix=prefix)}


async def move(connection: Connection, marks: Sequence[Mark]) -> None:
    """Have everything happen when its mark says, and the statistics counted anew."""
    inquiries, versions, times = map(list, zip(*marks, strict=True))
    await connection.row(_HOLD_STATISTICS)
    await connection.fetch(_MOVE_EVENTS, ids=inquiries, versions=versions, times=times)
    # In this order: each takes its times from those before.
    for statement in (_MOVE_MESSAGES, _MOVE_RUNS, _MOVE_DRAFTS, _MOVE_INQUIRIES, _FROM_THE_FORM, _SEND_NOTHING):
        await connection.fetch(statement, ids=list(set(inquiries)))
    await connection.row(_COUNT_ANEW)


async def remove(connection: Connection, prefix: str, emails: Sequence[str]) -> int:
    """Take away the inquiries of the demo with their events, and its agents; returns how many inquiries there were."""
    gone = list((await ids(connection, prefix)).values())
    await connection.row(_HOLD_STATISTICS)
    await connection.fetch(_LOCK_JOBS, ids=gone)
    await connection.fetch(_REMOVE, ids=gone)
    agents = [row["id"] for row in await connection.fetch(_REMOVE_AGENTS, emails=list(emails))]
    await connection.fetch(_UNASSIGN, agents=agents)
    await connection.row(_COUNT_ANEW)
    return len(gone)
