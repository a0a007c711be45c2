"""Queries on conversations."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Row, Statement
from inquiry_service.storage.inquiries import RESOLVE_TIME

MOST_CHARACTERS = 500_000
"""In one page: half of what a call may carry, were every character four bytes long."""

# What a reader sees of a conversation: customers no note, nor a gap where one is.
_SEEN = """
with seen as (
    select m.*, case when :notes then m.number else row_number() over (order by m.number) end as place
    from message m where m.inquiry_id = :inquiry_id and (:notes or m.kind <> 'note')
)"""
_SHOWN = """
select place as number, author, kind, case when :notes then account_id end as account_id, body, channel,
    p.create_time, case author when 'customer' then customer_name else coalesce(name, '') end as author_name,
    (select max(place) from seen) as last
from page p join inquiry i on i.id = p.inquiry_id left join account a on author = 'agent' and a.id = account_id
where size <= :most and (cast(:owner as uuid) is null or submitter_id = :owner)
order by place
"""
_PAGE = Statement(
    f"""{_SEEN}, page as (
    select *, sum(length(body)) over (order by place) as size from seen where place > :after
    order by place limit :size
) {_SHOWN}"""
)
_NEWEST = Statement(
    f"""{_SEEN}, page as (
    select *, sum(length(body)) over (order by place desc) as size from seen order by place desc limit :size
) {_SHOWN}"""
)
_ONE = Statement(f"{_SEEN}, page as (select *, 0 as size from seen where number = :number) {_SHOWN}")
_NUMBERS = Statement(
    """select max(number) as last, max(number) filter (where author = 'customer') as last_of_customer
    from message where inquiry_id = :inquiry_id"""
)
# A note leaves the time of the last change alone, which customers see.
_ADD = Statement(
    f"""
with written as (
    insert into message (inquiry_id, number, author, kind, account_id, body, channel)
    values (:inquiry_id, :number, :author, :kind, :account_id, :body, :channel)
), changed as (
    update inquiry set status = :status, resolve_time = {RESOLVE_TIME}, triage_state = :triage_state,
        triage_reason = :triage_reason, human_versions = :human_versions, version = version + 1,
        first_response_time = case when cast(:kind as text) = 'reply' then coalesce(first_response_time, now())
            else first_response_time end,
        update_time = case when cast(:kind as text) = 'note' then update_time else now() end
    where id = :inquiry_id returning version
), leaving as (
    insert into outbox (inquiry_id, message_number)
    select :inquiry_id, :number where cast(:kind as text) = 'reply'
), kept_key as (
    insert into idempotency_key (scope, key, body_hash, inquiry_id, message_number)
    select :scope, :key, :body_hash, :inquiry_id, :number where :key <> ''
)
insert into event (inquiry_id, version, kind, actor, actor_id, body)
select :inquiry_id, version, 'message_created', :author, :account_id, :event_body from changed
"""
)
_BY_KEY = Statement(
    "select body_hash, inquiry_id, message_number from idempotency_key where scope = :scope and key = :key"
)


class MessageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One message as its reader sees it; `account_id` is None in the customer's view."""

    number: int
    author: str
    kind: str
    account_id: UUID | None
    author_name: str
    body: str
    channel: str
    create_time: datetime


class Numbers(msgspec.Struct, frozen=True):
    """Of the last message of a conversation, and of the last that its customer wrote."""

    last: int
    last_of_customer: int


class Messages(msgspec.Struct, frozen=True):
    """Some messages, oldest first, and whether newer ones follow."""

    items: list[MessageRecord]
    more: bool


class KeptKey(msgspec.Struct, frozen=True):
    """What an idempotency key was used for."""

    body_hash: bytes
    inquiry_id: UUID
    message_number: int | None


async def page(
    database: Database, inquiry_id: UUID, *, notes: bool, owner: UUID | None, after: int, size: int
) -> Messages:
    """What follows the message numbered `after`, in the view with or without notes; of the inquiries of `owner` only.

    The numbers are those of the view.
    """
    rows = await database.fetch(
        _PAGE, inquiry_id=inquiry_id, notes=notes, owner=owner, after=after, size=size, most=MOST_CHARACTERS
    )
    items = [_message(row) for row in rows]
    return Messages(items, bool(rows) and rows[-1]["number"] < rows[-1]["last"])


async def newest(database: Database, inquiry_id: UUID, size: int) -> list[MessageRecord]:
    """The last messages, without notes."""
    rows = await database.fetch(
        _NEWEST, inquiry_id=inquiry_id, notes=False, owner=None, size=size, most=MOST_CHARACTERS
    )
    return [_message(row) for row in rows]


async def one(connection: Connection, inquiry_id: UUID, number: int, *, notes: bool) -> MessageRecord | None:
    """The message of this number, as the view with or without notes has it."""
    row = await connection.row(
        _ONE, inquiry_id=inquiry_id, number=number, notes=notes, owner=None, most=MOST_CHARACTERS
    )
    return _message(row) if row else None


async def numbers(connection: Connection, inquiry_id: UUID) -> Numbers:
    """Of a conversation whose inquiry is locked."""
    row = await connection.row(_NUMBERS, inquiry_id=inquiry_id)
    return Numbers(**dict(row or {}))


async def add(connection: Connection, values: dict[str, Any]) -> None:
    """Write a message of a locked inquiry with all that follows from it. Raises UniqueViolationError for a used key."""
    await connection.row(_ADD, **values)


async def by_key(connection: Connection, scope: str, key: str) -> KeptKey | None:
    """What the key was used for, if it was."""
    row = await connection.row(_BY_KEY, scope=scope, key=key)
    return KeptKey(**dict(row)) if row else None


def _message(row: Row) -> MessageRecord:
    values = dict(row)
    del values["last"]
    return MessageRecord(**values)
