"""How many inquiries a list has: counted as far as that stays cheap, beyond it what the planner expects."""

import time
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Select, func, literal_column, select, union_all

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.filters import Shape, View, walks

COUNT_LIMIT = 1000
"""Totals are exact up to here; counting further would cost more than the page itself."""

CERTAINLY_MORE = 3 * COUNT_LIMIT
"""Where the planner expects more than this, nothing is counted."""

KEPT_SECONDS = 10.0
"""For which an estimate is good enough again; it comes from statistics that Postgres itself renews less often."""

MOST_KEPT = 1000
"""Estimates, and compiled statements of the shapes that were asked for last."""


class Totals:
    """Of lists; remembers what was too many to count."""

    def __init__(self) -> None:
        self._estimates: dict[tuple[View, Shape, str], tuple[int, float]] = {}

    async def of(
        self, reader: Database | Connection, view: View, shape: Shape, values: dict[str, Any]
    ) -> tuple[int, bool]:
        """How many match the shape with these values, and whether that is an estimate."""
        key = (view, shape, repr(values))
        estimate, until = self._estimates.get(key, (0, 0.0))
        if time.monotonic() < until:
            return estimate, True
        estimate = await _expected(reader, view, shape, values)
        # To count some of many that meet several filters, many more that do not must be read.
        # How many hold some words the planner does not know: those are counted.
        if estimate > CERTAINLY_MORE and not any(condition.name == "query" for condition in shape):
            self._keep(key, estimate)
            return estimate, True
        counted = await reader.row(count_statement(shape, view), **values)
        total = counted["total"] if counted else 0
        return (total, False) if total <= COUNT_LIMIT else (max(total, estimate), True)

    def _keep(self, key: tuple[View, Shape, str], estimate: int) -> None:
        if len(self._estimates) >= MOST_KEPT:
            self._estimates.clear()
        self._estimates[key] = (estimate, time.monotonic() + KEPT_SECONDS)


@lru_cache(MOST_KEPT)
def count_statement(shape: Shape, view: View) -> Statement:
    """How many match, counted a little further than `COUNT_LIMIT`."""
    # Ordered, so that the planner walks an index also where it takes the table for small.
    parts: list[Select[Any]] = [
        select(literal_column("1")).select_from(walk.source).where(*walk.conditions).order_by(walk.id.desc())
        for walk in walks(shape, view, merged=True)
    ]
    counted = union_all(*(part.limit(COUNT_LIMIT + 1) for part in parts)).subquery()
    return Statement(select(func.count().label("total")).select_from(counted))


async def _expected(reader: Database | Connection, view: View, shape: Shape, values: dict[str, Any]) -> int:
    row = await reader.row(_plan_statement(shape, view), **values)
    plan = msgspec.json.decode(row["QUERY PLAN"]) if row else [{"Plan": {"Plan Rows": 0}}]
    return int(plan[0]["Plan"]["Plan Rows"])


@lru_cache(MOST_KEPT)
def _plan_statement(shape: Shape, view: View) -> Statement:
    # What only repeats another condition for an index would be held for one more.
    by_status = any(condition.name == "status" for condition in shape)
    conditions = tuple(one for one in shape if not (by_status and one.name == "unfinished"))
    (walk,) = walks(conditions, view, merged=False)
    statement = Statement(select(walk.id).select_from(walk.source).where(*walk.conditions))
    statement.sql = f"explain (format json) {statement.sql}"
    return statement
