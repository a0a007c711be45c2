"""Queries on what comes and goes in the queue, in buckets of ten seconds."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

PROJECTION = "throughput"
BUCKET_SECONDS = 10
KEPT_SECONDS = 7200

_NOW = Statement("select now() as now")
_ADD = Statement(
    """insert into throughput as t (bucket, measure, amount)
    select * from unnest(cast(:buckets as timestamptz[]), cast(:measures as text[]), cast(:amounts as bigint[]))
    on conflict (bucket, measure) do update set amount = t.amount + excluded.amount"""
)
_FORGET = Statement(f"delete from throughput where bucket < now() - make_interval(secs => {KEPT_SECONDS})")
_SINCE = Statement(
    """select bucket, measure, amount from throughput where bucket >= now() - make_interval(secs => :seconds)"""
)
# Counted up to the first event that is not.
_UNTIL = Statement(
    f"""select now() as now, coalesce((
        select least(now(), e.create_time) from event e, projection p
        where p.name = '{PROJECTION}' and (e.era, e.txid, e.number) > (p.era, p.txid, p.number)
        order by e.era, e.txid, e.number limit 1), now()) as until"""
)


class Amount(msgspec.Struct, frozen=True):
    """How much of a measure came in the ten seconds from `bucket` on."""

    bucket: datetime
    measure: str
    amount: int


async def now(connection: Connection) -> datetime:
    """The database's time."""
    row = await connection.row(_NOW)
    if row is None:
        raise LookupError("the database has no time")
    time: datetime = row["now"]
    return time


async def add(connection: Connection, amounts: Mapping[tuple[datetime, str], int]) -> None:
    """Add to the buckets, and forget old ones."""
    buckets, measures = [bucket for bucket, _ in amounts], [measure for _, measure in amounts]
    await connection.fetch(_ADD, buckets=buckets, measures=measures, amounts=list(amounts.values()))
    await connection.fetch(_FORGET)


async def since(database: Database, seconds: int) -> list[Amount]:
    """What the last seconds have brought."""
    return [Amount(**dict(row)) for row in await database.fetch(_SINCE, seconds=seconds)]


async def counted_until(database: Database) -> tuple[datetime, datetime]:
    """The database's time, and up to when everything is counted."""
    row = await database.row(_UNTIL)
    if row is None:
        raise LookupError("the database has no time")
    return row["now"], row["until"]
