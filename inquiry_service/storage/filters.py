"""The filters of lists as conditions: each list is one walk along an index, or a few that are merged.

A walk reads about as many rows as it returns, however large the table is. Several values of one column are not in one
order in its index, so that each of them gets a walk of its own.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
)

from inquiry_service.storage import tables

View = Literal["public", "customer", "staff"]
Filters = Mapping[str, Any]
"""What must hold: column → accepted values (None among those of `assignee_id` stands for nobody); `tag` → tags that
must all be there; `created_from`, `created_before` → times; `confidence_from`, `confidence_below` → numbers;
`submitter_id` → UUID; `query` → LIKE pattern with `number`."""

UNFINISHED = frozenset({"new", "open", "pending"})
RANK = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
RANKED: ColumnElement[int] = literal_column(tables.RANK, Integer)
MOST_WALKS = 6
"""A list of more values is not worth a walk for each."""

CLOCK_SLACK = timedelta(minutes=1)
"""How far an id's time may be from `create_time`: the first is read from the clock, the second from its transaction."""

# Columns by which walks are split, the one that leaves the least to each of them first.
_SPLIT = ("assignee_id", "triage_state", "status", "priority", "category", "sentiment", "language")
_BOUNDS = {"created_from", "created_before"}
_SEARCHED = ("customer_name", "customer_email", "subject", "snippet")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Condition(NamedTuple):
    """One filter without its values: how many there are, and whether nobody is one of them."""

    name: str
    values: int = 1
    or_null: bool = False


Shape = tuple[Condition, ...]


class Walk(NamedTuple):
    """What one walk reads from, the id that it follows, and what it leaves out."""

    source: FromClause
    id: ColumnElement[UUID]
    conditions: list[ColumnElement[bool]]


def prepared(filters: Filters) -> tuple[Shape, dict[str, Any]]:
    """The filters as a shape, for which there is one statement, and its parameters."""
    shape: list[Condition] = []
    values: dict[str, Any] = {}
    for name, value in sorted(filters.items()):
        if name in _BOUNDS:
            values |= {name: value, f"{name}_id": _bound(name, value)}
            shape.append(Condition(name))
        elif isinstance(value, list):
            some = [RANK[word] for word in value] if name == "priority" else [one for one in value if one is not None]
            if name == "status" and UNFINISHED.issuperset(value):
                shape.append(Condition("unfinished"))
                if UNFINISHED.issubset(value):
                    continue
            values |= {name: some, **{f"{name}_{place}": one for place, one in enumerate(some)}}
            shape.append(Condition(name, len(some), or_null=None in value))
        else:
            values[name] = value
            if name != "number":
                shape.append(Condition(name))
    return tuple(shape), values


def walks(shape: Shape, view: View, *, merged: bool) -> Iterator[Walk]:
    """The walks that together find what matches, each inquiry once; a single one unless they are to be `merged`."""
    by_name = {condition.name: condition for condition in shape}
    tags, split = by_name.pop("tag", None), by_name.pop(_split(by_name) if merged else "", None)
    source: FromClause = tables.inquiry
    anchor: ColumnElement[UUID] = tables.inquiry.c.id
    kept: list[ColumnElement[bool]] = []
    if tags is not None:
        tagged = tables.inquiry_tag.alias()
        source, anchor = source.join(tagged, tagged.c.inquiry_id == anchor), tagged.c.inquiry_id
        kept.append(tagged.c.tag == _parameter("tag_0", Text()))
        kept += [_has_tag(place, anchor) for place in range(1, tags.values)]
    kept += [_holds(condition, view, anchor) for condition in by_name.values()]
    for condition in _values_of(split):
        yield Walk(source, anchor, [*kept, *condition])


def _split(by_name: Mapping[str, Condition]) -> str:
    several = {name for name, one in by_name.items() if 1 < one.values + one.or_null <= MOST_WALKS}
    return next((name for name in _SPLIT if name in several), "")


def _values_of(split: Condition | None) -> Iterator[list[ColumnElement[bool]]]:
    if split is None:
        yield []
        return
    column = _column(split.name)
    for place in range(split.values):
        yield [column == _parameter(f"{split.name}_{place}", column.type)]
    if split.or_null:
        yield [column.is_(None)]


def _holds(condition: Condition, view: View, anchor: ColumnElement[UUID]) -> ColumnElement[bool]:
    inquiry = tables.inquiry.c
    match condition.name:
        case "query":
            return _matches_query(view)
        case "unfinished":
            # As in the indexes of what is unfinished: the planner must see it whatever the parameters are.
            return literal_column(tables.UNFINISHED)
        case "created_from":
            return and_(
                inquiry.create_time >= _parameter("created_from", DateTime(timezone=True)),
                anchor >= _parameter("created_from_id", Uuid()),
            )
        case "created_before":
            return and_(
                inquiry.create_time < _parameter("created_before", DateTime(timezone=True)),
                anchor < _parameter("created_before_id", Uuid()),
            )
        case "confidence_from":
            return inquiry.category_confidence >= _parameter("confidence_from", Double())
        case "confidence_below":
            return inquiry.category_confidence < _parameter("confidence_below", Double())
        case "submitter_id":
            return inquiry.submitter_id == _parameter("submitter_id", Uuid())
        case _:
            return _is_any(condition)


def _is_any(condition: Condition) -> ColumnElement[bool]:
    column = _column(condition.name)
    either: list[ColumnElement[bool]] = []
    if condition.values == 1:
        either.append(column == _parameter(f"{condition.name}_0", column.type))
    elif condition.values:
        either.append(column == any_(_parameter(condition.name, ARRAY(column.type))))
    if condition.or_null:
        either.append(column.is_(None))
    return or_(*either)


def _column(name: str) -> ColumnElement[Any]:
    return RANKED if name == "priority" else tables.inquiry.c[name]


def _has_tag(place: int, anchor: ColumnElement[UUID]) -> ColumnElement[bool]:
    other = tables.inquiry_tag.alias()
    return exists(
        select(literal_column("1")).where(
            other.c.tag == _parameter(f"tag_{place}", Text()), other.c.inquiry_id == anchor
        )
    )


def _matches_query(view: View) -> ColumnElement[bool]:
    pattern = _parameter("query", Text())
    category = tables.category.c
    named = select(category.key).where(
        or_(category.key.ilike(pattern), category.name_es.ilike(pattern), category.name_en.ilike(pattern))
    )
    inquiry = tables.inquiry.c
    either = [inquiry.number == _parameter("number", BigInteger()), inquiry.category.in_(named)]
    if view != "public":
        either += [inquiry[name].ilike(pattern) for name in _SEARCHED]
    return or_(*either)


def _parameter(name: str, kind: Any) -> ColumnElement[Any]:
    return bindparam(name, type_=kind)


def _bound(name: str, time: datetime) -> UUID:
    slack = CLOCK_SLACK if name == "created_before" else -CLOCK_SLACK
    milliseconds = (time - _EPOCH + slack) // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), (1 << 48) - 1) << 80)
