"""Pages of inquiries: keyset by id (newest first), combined filters, totals counted as far as that stays cheap."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from inquiry_service.storage import tables
from inquiry_service.storage.database import Database, Statement
from inquiry_service.storage.inquiries import CUSTOMER, PUBLIC, STAFF
from inquiry_service.storage.records import InquiryRecord

COUNT_LIMIT = 1000
"""Totals are exact up to here; counting further would cost more than the page itself."""

View = Literal["public", "customer", "staff"]
Filters = Mapping[str, Any]
"""Column name → list of accepted values; besides `submitter_id` → UUID, and `query` → LIKE pattern with `number`."""

_COLUMNS = {"public": PUBLIC, "customer": CUSTOMER, "staff": STAFF}
_SEARCHED = ("customer_name", "customer_email", "subject", "snippet")


class Page(msgspec.Struct, frozen=True):
    """Rows newest first; `more` says whether there are further ones in the direction that was read."""

    items: list[InquiryRecord]
    more: bool
    total: int
    total_is_estimate: bool


async def page(
    database: Database, view: View, filters: Filters, *, size: int, after: Any = None, before: Any = None
) -> Page:
    """The page of `size` rows older than the id `after`, or newer than the id `before`, or the first one."""
    shape = _shape(filters)
    values = {name: _single(value) for name, value in filters.items()}
    direction = "newer" if before is not None else "older" if after is not None else "first"
    statement = _page_statement(view, shape, direction)
    rows = await database.fetch(statement, **values, position=before or after, size=size + 1)
    items = [InquiryRecord(**dict(row)) for row in rows[:size]]
    if before is not None:
        items.reverse()
    counted = await database.row(_count_statement(shape, view), **values)
    total = counted["total"] if counted else 0
    if total <= COUNT_LIMIT:
        return Page(items, len(rows) > size, total, total_is_estimate=False)
    return Page(items, len(rows) > size, await _estimate(database, shape, view, values), total_is_estimate=True)


async def _estimate(database: Database, shape: tuple[str, ...], view: View, values: dict[str, Any]) -> int:
    row = await database.row(_plan_statement(shape, view), **values)
    plan = msgspec.json.decode(row["QUERY PLAN"]) if row else [{"Plan": {"Plan Rows": 0}}]
    return max(COUNT_LIMIT + 1, int(plan[0]["Plan"]["Plan Rows"]))


def _shape(filters: Filters) -> tuple[str, ...]:
    return tuple(
        sorted(
            f"{name}:many" if isinstance(value, list) and len(value) > 1 else name for name, value in filters.items()
        )
    )


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


@cache
def _page_statement(view: View, shape: tuple[str, ...], direction: str) -> Statement:
    inquiry_id = tables.inquiry.c.id
    position = bindparam("position", type_=Uuid())
    statement: Select[Any] = (
        select(literal_column(_COLUMNS[view])).select_from(tables.inquiry).where(*_conditions(shape, view))
    )
    if direction == "older":
        statement = statement.where(inquiry_id < position)
    if direction == "newer":
        statement = statement.where(inquiry_id > position)
    order = inquiry_id.asc() if direction == "newer" else inquiry_id.desc()
    return Statement(statement.order_by(order).limit(bindparam("size")))


@cache
def _count_statement(shape: tuple[str, ...], view: View) -> Statement:
    some: Select[Any] = select(literal_column("1")).select_from(tables.inquiry).where(*_conditions(shape, view))
    return Statement(select(func.count().label("total")).select_from(some.limit(COUNT_LIMIT + 1).subquery()))


@cache
def _plan_statement(shape: tuple[str, ...], view: View) -> Statement:
    matching = select(tables.inquiry.c.id).where(*_conditions(shape, view))
    statement = Statement(matching)
    statement.sql = f"explain (format json) {statement.sql}"
    return statement


def _conditions(shape: tuple[str, ...], view: View) -> list[ColumnElement[bool]]:
    return [_condition(*name.partition(":")[::2], view) for name in shape if name != "number"]


def _condition(name: str, many: str, view: View) -> ColumnElement[bool]:
    if name == "query":
        return _matches_query(view)
    column = tables.inquiry.c[name]
    # A single value keeps the order of the (column, id) index; a list would have to be sorted.
    if many:
        return column == any_(bindparam(name, type_=ARRAY(Text)))
    return column == bindparam(name, type_=column.type)


def _matches_query(view: View) -> ColumnElement[bool]:
    pattern = bindparam("query", type_=Text())
    category = tables.category.c
    named = select(category.key).where(
        or_(category.key.ilike(pattern), category.name_es.ilike(pattern), category.name_en.ilike(pattern))
    )
    inquiry = tables.inquiry.c
    either = [inquiry.number == bindparam("number", type_=BigInteger()), inquiry.category.in_(named)]
    if view != "public":
        either += [inquiry[name].ilike(pattern) for name in _SEARCHED]
    return or_(*either)
