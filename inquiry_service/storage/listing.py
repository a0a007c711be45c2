"""Pages of inquiries: keyset by what they are ordered by, and totals counted as far as that stays cheap."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)

from inquiry_service.storage import tables
from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.filters import RANK, RANKED, Filters, Shape, View, Walk, prepared, walks
from inquiry_service.storage.inquiries import CUSTOMER, PUBLIC, STAFF
from inquiry_service.storage.records import InquiryRecord

COUNT_LIMIT = 1000
"""Totals are exact up to here; counting further would cost more than the page itself."""

CERTAINLY_MORE = 3 * COUNT_LIMIT
"""Where the planner expects more than this, nothing is counted."""

MOST_STATEMENTS = 1000
"""Kept compiled, of the shapes that were asked for last."""

Field = Literal["create_time", "update_time", "priority"]

_COLUMNS = {"public": PUBLIC, "customer": CUSTOMER, "staff": STAFF}
_KEYS: dict[Field, ColumnElement[Any]] = {"update_time": tables.inquiry.c.update_time, "priority": RANKED}


class Ordering(NamedTuple):
    """What a list is ordered by; inquiries that are equal in it, by their ids in the same direction."""

    field: Field = "create_time"
    descending: bool = True


NEWEST_FIRST = Ordering()
OLDEST_FIRST = Ordering(descending=False)


class Position(NamedTuple):
    """An inquiry in a list, from which a page goes on; `key` is what it is ordered by, beside its id."""

    id: UUID
    key: datetime | int | None = None
    backwards: bool = False


class Page(msgspec.Struct, frozen=True):
    """Rows in the list's order; `more` says whether there are further ones in the direction that was read."""

    items: list[InquiryRecord]
    more: bool
    total: int
    total_is_estimate: bool


async def page(
    database: Database, view: View, filters: Filters, *, size: int, ordering: Ordering, position: Position | None
) -> Page:
    """The page of `size` rows that follow the position, or precede it, or the first one."""
    shape, values = prepared(filters)
    start = {"size": size + 1} if position is None else {"size": size + 1, "position": position.id, "key": position.key}
    backwards = position is not None and position.backwards
    statement = page_statement(view, shape, ordering, from_start=position is None, backwards=backwards)
    async with database.transaction() as connection:
        # Nearly all inquiries may have one status, and nearly none another.
        await connection.plan_anew()
        rows = await connection.fetch(statement, **values, **start)
        total = await _total(connection, shape, view, values)
    items = [InquiryRecord(**dict(row)) for row in rows[:size]]
    if backwards:
        items.reverse()
    return Page(items, len(rows) > size, *total)


async def batch(database: Database, filters: Filters, *, size: int, after: UUID | None) -> list[InquiryRecord]:
    """The `size` inquiries that follow the id, or the first ones, oldest first, in the staff view."""
    shape, values = prepared(filters)
    start = {"size": size} if after is None else {"size": size, "position": after}
    statement = page_statement("staff", shape, OLDEST_FIRST, from_start=after is None, backwards=False)
    async with database.transaction() as connection:
        await connection.plan_anew()
        return [InquiryRecord(**dict(row)) for row in await connection.fetch(statement, **values, **start)]


def position_of(record: InquiryRecord, ordering: Ordering, *, backwards: bool = False) -> Position:
    """Where a row stands in the list."""
    keys = {"create_time": None, "update_time": record.update_time, "priority": RANK.get(record.priority or "")}
    return Position(record.id, keys[ordering.field], backwards)


async def _total(connection: Connection, shape: Shape, view: View, values: dict[str, Any]) -> tuple[int, bool]:
    row = await connection.row(_plan_statement(shape, view), **values)
    plan = msgspec.json.decode(row["QUERY PLAN"]) if row else [{"Plan": {"Plan Rows": 0}}]
    estimate = int(plan[0]["Plan"]["Plan Rows"])
    # To count some of many that meet several filters, many more that do not must be read.
    # How many hold some words the planner does not know: those are counted.
    if estimate > CERTAINLY_MORE and not any(condition.name == "query" for condition in shape):
        return estimate, True
    counted = await connection.row(count_statement(shape, view), **values)
    total = counted["total"] if counted else 0
    return (total, False) if total <= COUNT_LIMIT else (max(total, estimate), True)


@lru_cache(MOST_STATEMENTS)
def page_statement(view: View, shape: Shape, ordering: Ordering, *, from_start: bool, backwards: bool) -> Statement:
    """Takes the parameters of the shape, `size` and, unless from the start, `position` and `key`."""
    descending = ordering.descending != backwards
    size = bindparam("size", type_=Integer())
    by_id = ordering.field == "create_time"
    parts = [
        _ordered(walk, view, ordering, from_start=from_start, descending=descending).limit(size)
        for walk in walks(shape, view, merged=by_id)
    ]
    if len(parts) == 1:
        return Statement(parts[0])
    merged: Select[Any] = select(literal_column("*")).select_from(union_all(*parts).subquery())
    return Statement(merged.order_by(literal_column("id desc" if descending else "id")).limit(size))


@lru_cache(MOST_STATEMENTS)
def count_statement(shape: Shape, view: View) -> Statement:
    """How many match, counted a little further than `COUNT_LIMIT`."""
    # Ordered, so that the planner walks an index also where it takes the table for small.
    parts: list[Select[Any]] = [
        select(literal_column("1")).select_from(walk.source).where(*walk.conditions).order_by(walk.id.desc())
        for walk in walks(shape, view, merged=True)
    ]
    counted = union_all(*(part.limit(COUNT_LIMIT + 1) for part in parts)).subquery()
    return Statement(select(func.count().label("total")).select_from(counted))


@lru_cache(MOST_STATEMENTS)
def _plan_statement(shape: Shape, view: View) -> Statement:
    # What only repeats another condition for an index would be held for one more.
    by_status = any(condition.name == "status" for condition in shape)
    conditions = tuple(one for one in shape if not (by_status and one.name == "unfinished"))
    (walk,) = walks(conditions, view, merged=False)
    statement = Statement(select(walk.id).select_from(walk.source).where(*walk.conditions))
    statement.sql = f"explain (format json) {statement.sql}"
    return statement


def _ordered(walk: Walk, view: View, ordering: Ordering, *, from_start: bool, descending: bool) -> Select[Any]:
    statement: Select[Any] = select(literal_column(_COLUMNS[view])).select_from(walk.source).where(*walk.conditions)
    columns: list[ColumnElement[Any]] = [walk.id]
    position: list[ColumnElement[Any]] = [bindparam("position", type_=Uuid())]
    if ordering.field in _KEYS:
        columns.insert(0, _KEYS[ordering.field])
        position.insert(0, bindparam("key", type_=columns[0].type))
    if not from_start:
        here, there = (columns[0], position[0]) if len(columns) == 1 else (tuple_(*columns), tuple_(*position))
        statement = statement.where(here < there if descending else here > there)
    return statement.order_by(*(column.desc() if descending else column.asc() for column in columns))
