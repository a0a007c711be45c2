"""Queries on what the AI service needs to know: one version over taxonomy, settings and people's decisions.

Whoever changes any of it holds the row of the version until the end of the transaction, so that a version is seen only
with all that belongs to it. It is locked after inquiries, and before categories and decisions.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

MOST_COUNTED = 200
"""Decisions of one category that count, the newest."""

BEFORE_ALL = UUID(int=0)

_STATE = Statement("select version, oldest_version from knowledge")
_HOLD = Statement("select from knowledge for update")
_RAISE = Statement("update knowledge set version = version + 1 returning version")
_DECIDE = Statement(
    """insert into human_decision (inquiry_id, category, spam, counts, number, version)
    values (:inquiry_id, :category, :spam, false, :version, :version)
    on conflict (inquiry_id) do update set category = excluded.category, spam = excluded.spam, counts = false,
        number = excluded.number, version = excluded.version, update_time = now()
    returning old.category as before"""
)
_DECIDED = Statement(
    "select inquiry_id from human_decision where inquiry_id = any(:ids) and category is not null and spam <> :unless"
)
_KEPT = Statement("select inquiry_id from human_decision where inquiry_id = any(:ids) and category is not null")
_FORGET = Statement(
    """update human_decision set category = null, counts = false, version = :version, update_time = now()
    where inquiry_id = any(:ids) returning old.category as category"""
)
_SET_SPAM = Statement(
    """update human_decision set spam = :spam, counts = false, version = :version, update_time = now()
    where inquiry_id = any(:ids) returning category"""
)
_TELL_AGAIN = Statement("update human_decision set version = :version where inquiry_id = any(:ids) and counts")
# Each side reads no more than the newest of a category, however many decisions there are.
_COUNT = Statement(
    f"""
with newest as (
    select d.inquiry_id from unnest(cast(:categories as text[])) as wanted (category) cross join lateral (
        select inquiry_id from human_decision where category = wanted.category and not spam
        order by number desc limit {MOST_COUNTED}) d
), counting as (
    select inquiry_id from human_decision where counts and category = any(:categories)
), turned as (
    select inquiry_id, true as counts from newest where inquiry_id not in (select inquiry_id from counting)
    union all
    select inquiry_id, false from counting where inquiry_id not in (select inquiry_id from newest)
)
update human_decision d set counts = turned.counts, version = :version, update_time = now()
from turned where d.inquiry_id = turned.inquiry_id
"""
)
_CHANGED = Statement(
    """select d.inquiry_id, d.version, case when counts then category end as category, embedding, encoder_version
    from human_decision d left join inquiry_embedding e on e.inquiry_id = d.inquiry_id
    where (d.version, d.inquiry_id) > (:version, :inquiry_id) and d.version <= :until and (counts or :forgotten)
    order by d.version, d.inquiry_id limit :size"""
)
_COUNTED = Statement("select count(*) as total from human_decision where counts")
_ANY_GONE = Statement(
    "select from human_decision where category is null and update_time < now() - interval '1 day' limit 1"
)
_PRUNE = Statement(
    """with gone as (
        delete from human_decision where category is null and update_time < now() - interval '1 day' returning version
    )
    update knowledge set oldest_version = greatest(oldest_version, (select max(version) from gone))
    where exists (select from gone)"""
)


class State(NamedTuple):
    """The current version, and the oldest from which on everything can be told."""

    version: int
    oldest_version: int


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a decision at a version: its category and embedding, or neither once it does not count."""

    inquiry_id: UUID
    version: int
    category: str | None
    embedding: bytes | None
    encoder_version: str | None


async def state(database: Database) -> State:
    """Where the log stands."""
    row = await database.row(_STATE)
    return State(row["version"], row["oldest_version"]) if row else State(0, 0)


async def hold(connection: Connection) -> None:
    """Let nobody else change anything of it until the transaction ends."""
    await connection.row(_HOLD)


async def raise_version(connection: Connection) -> int:
    """AI processes must learn of what this transaction changes; others that do the same wait for its end."""
    row = await connection.row(_RAISE)
    return int(row["version"]) if row else 0


async def decide(connection: Connection, inquiry_id: UUID, category: str, *, spam: bool) -> None:
    """Keep a person's decision on a locked inquiry in the place of an earlier one."""
    version = await raise_version(connection)
    row = await connection.row(_DECIDE, inquiry_id=inquiry_id, category=category, spam=spam, version=version)
    await _count(connection, version, {category, row["before"] if row else None})


async def forget(connection: Connection, ids: Collection[UUID]) -> None:
    """Nothing is to be learned from these locked inquiries any more."""
    if kept := await connection.fetch(_KEPT, ids=list(ids)):
        version = await raise_version(connection)
        gone = await connection.fetch(_FORGET, ids=[row["inquiry_id"] for row in kept], version=version)
        await _count(connection, version, {row["category"] for row in gone})


async def set_spam(connection: Connection, inquiry_id: UUID, *, spam: bool) -> None:
    """What was decided of a locked inquiry counts no longer, or again."""
    if decided := await connection.fetch(_DECIDED, ids=[inquiry_id], unless=spam):
        version = await raise_version(connection)
        ids = [row["inquiry_id"] for row in decided]
        changed = await connection.fetch(_SET_SPAM, ids=ids, spam=spam, version=version)
        await _count(connection, version, {row["category"] for row in changed})


async def tell_again(connection: Connection, ids: Sequence[UUID]) -> None:
    """These inquiries, held, have got new embeddings: tell what was decided of them once more."""
    if await connection.fetch(_KEPT, ids=list(ids)):
        await connection.row(_TELL_AGAIN, ids=list(ids), version=await raise_version(connection))


async def changed(
    database: Database, after: tuple[int, UUID], until: int, size: int, *, forgotten: bool
) -> list[DecisionRecord]:
    """What has changed after a place in the log and up to a version, in order; what is forgotten only if asked for."""
    version, inquiry_id = after
    rows = await database.fetch(
        _CHANGED, version=version, inquiry_id=inquiry_id, until=until, size=size, forgotten=forgotten
    )
    return [DecisionRecord(**dict(row)) for row in rows]


async def counted(database: Database) -> int:
    """How many decisions are learned from."""
    row = await database.row(_COUNTED)
    return row["total"] if row else 0


async def prune(database: Database) -> None:
    """Drop what was forgotten more than a day ago, and the log's memory of the versions before."""
    if await database.row(_ANY_GONE) is not None:
        async with database.transaction() as connection:
            await hold(connection)
            await connection.row(_PRUNE)


async def _count(connection: Connection, version: int, categories: set[str | None]) -> None:
    named = sorted(category for category in categories if category)
    await connection.row(_COUNT, categories=named, version=version)
