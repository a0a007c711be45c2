"""Pages of inquiries: keyset by what they are ordered by."""

from contextlib import AbstractAsyncContextManager, nullcontext
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
from inquiry_service.storage.totals import Totals

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
    database: Database,
    totals: Totals,
    view: View,
    filters: Filters,
    *,
    size: int,
    ordering: Ordering,
    position: Position | None,
) -> Page:
    """The page of `size` rows that follow the position, or precede it, or the first one."""
    shape, values = prepared(filters)
    start = {"size": size + 1} if position is None else {"size": size + 1, "position": position.id, "key": position.key}
    backwards = position is not None and position.backwards
    statement = page_statement(view, shape, ordering, from_start=position is None, backwards=backwards)
    async with _reader(database, shape) as reader:
        rows = await reader.fetch(statement, **values, **start)
        total = await totals.of(reader, view, shape, values)
    items = [InquiryRecord(**dict(row)) for row in rows[:size]]
    if backwards:
        items.reverse()
    return Page(items, len(rows) > size, *total)


async def batch(database: Database, filters: Filters, *, size: int, after: UUID | None) -> list[InquiryRecord]:
    """The `size` inquiries that follow the id, or the first ones, oldest first, in the staff view."""
    shape, values = prepared(filters)
    start = {"size": size} if after is None else {"size": size, "position": after}
    statement = page_statement("staff", shape, OLDEST_FIRST, from_start=after is None, backwards=False)
    async with _reader(database, shape) as reader:
        return [InquiryRecord(**dict(row)) for row in await reader.fetch(statement, **values, **start)]


def position_of(record: InquiryRecord, ordering: Ordering, *, backwards: bool = False) -> Position:
    """Where a row stands in the list."""
    keys = {"create_time": None, "update_time": record.update_time, "priority": RANK.get(record.priority or "")}
    return Position(record.id, keys[ordering.field], backwards)


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


def _reader(database: Database, shape: Shape) -> AbstractAsyncContextManager[Database | Connection]:
    # Nearly all inquiries may have one status, and nearly none another.
    return database.planning() if shape else nullcontext(database)


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
