"""Queries on the statistics: amounts by dimension, measure and key in buckets of three widths."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.event_log import Position

PROJECTION = "statistics"
WIDTHS = (86_400, 3_600, 900)
"""Seconds of the buckets, each a multiple of the next: days and hours of UTC, and quarters of an hour."""

TOTAL = ""
"""The dimension that is not split."""

_AHEAD = 1000
"""Events that are not yet counted and are looked at for the oldest; transactions overtake each other by far fewer."""

_REMEMBER = Statement(
    """insert into statistic_inquiry (inquiry_id, receive_time)
    select * from unnest(cast(:ids as uuid[]), cast(:times as timestamptz[])) on conflict do nothing"""
)
_REMEMBERED = Statement("select inquiry_id, receive_time from statistic_inquiry where inquiry_id = any(:ids)")
_FORGET = Statement("delete from statistic_inquiry where inquiry_id = any(:ids)")
_ADD = Statement(
    """insert into statistic as s (dimension, width, bucket, measure, key, amount)
    select * from unnest(cast(:dimensions as text[]), cast(:widths as int[]), cast(:buckets as timestamptz[]),
        cast(:measures as text[]), cast(:keys as text[]), cast(:amounts as bigint[]))
    on conflict (dimension, width, bucket, measure, key) do update set amount = s.amount + excluded.amount"""
)
# Summed per piece inside, so that each is a range of the index, however many there are.
_SUMS = Statement(
    """select p.step, s.measure, s.key, cast(sum(s.amount) as bigint) as amount
    from unnest(cast(:steps as int[]), cast(:widths as int[]), cast(:since as timestamptz[]),
        cast(:until as timestamptz[])) as p (step, width, since, until)
    cross join lateral (
        select measure, key, sum(amount) as amount from statistic
        where dimension = :dimension and width = p.width and bucket >= p.since and bucket < p.until
            and measure = any(:measures)
        group by measure, key) s
    group by p.step, s.measure, s.key"""
)
# Whoever writes at this moment may yet log something that carries the time at which they began.
_WRITING = Statement(
    """select least(now(), min(xact_start)) as since from pg_stat_activity
    where datname = current_database() and application_name = current_setting('application_name')"""
)
_PROGRESS = Statement(
    f"""
with counted as (
    select era, txid, number from projection where name = '{PROJECTION}'
    union all select 0, '0', 0 where not exists (select from projection where name = '{PROJECTION}')
), waiting as (
    select e.create_time from event e, counted c where (e.era, e.txid, e.number) > (c.era, c.txid, c.number)
    order by e.era, e.txid, e.number limit {_AHEAD}
)
select feed.epoch, c.era, cast(cast(c.txid as text) as bigint) as txid, c.number,
    (select min(create_time) from waiting) as waiting_since
from counted c, feed
"""
)

Sums = Mapping[tuple[int, str, str], int]
"""Step, measure, key → amount; what is not there is 0."""


class Amount(NamedTuple):
    """How much is to be added to a measure at a moment."""

    dimension: str
    moment: datetime
    measure: str
    key: str
    amount: int


class Progress(NamedTuple):
    """Up to where the event log is counted: the place as clients know it, and before which time nothing is missing."""

    token: str
    until: datetime


async def remember(connection: Connection, received: Mapping[UUID, datetime]) -> None:
    """Keep when these inquiries were received."""
    if received:
        await connection.row(_REMEMBER, ids=list(received), times=list(received.values()))


async def receive_times(connection: Connection, ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When these inquiries were received, as far as it is known."""
    rows = await connection.fetch(_REMEMBERED, ids=list(ids)) if ids else []
    return {row["inquiry_id"]: row["receive_time"] for row in rows}


async def forget(connection: Connection, ids: Collection[UUID]) -> None:
    """Let go of what was kept of these inquiries."""
    if ids:
        await connection.row(_FORGET, ids=list(ids))


async def add(connection: Connection, amounts: Sequence[Amount]) -> None:
    """Add amounts to the buckets of every width.

    Also an amount of 0 makes its row, so that the rows do not depend on how the events were cut into batches.
    """
    sums: dict[tuple[str, int, datetime, str, str], int] = {}
    for dimension, moment, measure, key, amount in amounts:
        for width in WIDTHS:
            row = (dimension, width, _floor(moment, width), measure, key)
            sums[row] = sums.get(row, 0) + amount
    if sums:
        dimensions, widths, buckets, measures, keys = map(list, zip(*sums, strict=True))
        await connection.row(
            _ADD,
            dimensions=dimensions,
            widths=widths,
            buckets=buckets,
            measures=measures,
            keys=keys,
            amounts=list(sums.values()),
        )


async def sums(database: Database, dimension: str, measures: Sequence[str], edges: Sequence[datetime]) -> Sums:
    """The amounts between each edge and the next; step 0 is between the first two."""
    pieces = [
        (step, *piece)
        for step, (start, end) in enumerate(pairwise(edges))
        for piece in _pieces(_seconds(start), _seconds(end), WIDTHS)
    ]
    rows = await database.fetch(
        _SUMS,
        dimension=dimension,
        measures=list(measures),
        steps=[step for step, _, _, _ in pieces],
        widths=[width for _, width, _, _ in pieces],
        since=[_moment(since) for _, _, since, _ in pieces],
        until=[_moment(until) for _, _, _, until in pieces],
    )
    return {(row["step"], row["measure"], row["key"]): row["amount"] for row in rows}


async def progress(database: Database) -> Progress:
    """Up to where the event log is counted at least."""
    writing = await database.row(_WRITING)  # first: what was committed meanwhile, the second statement sees
    row = await database.row(_PROGRESS)
    if writing is None or row is None:
        raise LookupError("the feed has no row")
    until = min(writing["since"], row["waiting_since"] or writing["since"])
    return Progress(Position(row["era"], row["txid"], row["number"]).token(row["epoch"]), until)


def _pieces(start: int, end: int, widths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    # The widest buckets that fit, and narrower ones before and after them.
    width, *narrower = widths
    first, last = -(-start // width) * width, end // width * width
    if first < last:
        yield width, first, last
    if not narrower:
        return
    for begin, stop in ((start, first), (last, end)) if first < last else ((start, end),):
        if begin < stop:
            yield from _pieces(begin, stop, narrower)


def _floor(moment: datetime, width: int) -> datetime:
    return _moment(_seconds(moment) // width * width)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp() // 1)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
