"""Lists read about as many rows as they show: the plans of a filled table, whatever is filtered and ordered by."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from inquiry_service.storage.database import PLANNER, Statement
from inquiry_service.storage.filters import View, prepared
from inquiry_service.storage.listing import NEWEST_FIRST, Ordering, page_statement
from inquiry_service.storage.totals import count_statement
from tests.support.servers import PostgresServer

ROWS = 40_000
SIZE = 21
MOST_READ = 60 * SIZE
"""Rows that a page may touch: some of a walk do not match, and several walks are merged."""

AGENTS = [uuid.UUID(int=number) for number in range(1, 21)]
LATER = datetime.now(UTC) - timedelta(days=20)

# One inquiry every minute. Of the finished ones there are many, of the unfinished ones few, mostly new.
FILL = f"""
insert into inquiry (id, customer_name, customer_email, subject, snippet, status, triage_state, category,
    category_confidence, sentiment, priority, language, assignee_id, tags, create_time, update_time)
select uuidv7(age), 'n', 'e@e', 's', 's',
    case when n % 10 = 0 and n < {ROWS // 10} then (array['new', 'open', 'pending'])[1 + n / 10 % 3]
        when n % 1000 = 0 then 'open' when n % 20 = 1 then 'closed' else 'resolved' end,
    case when n < 5 then 'queued' when n % 200 = 1 then 'failed' when n % 25 = 2 then 'needs_review' else 'done' end,
    'category_' || n % 10, n % 100 / 100.0, (array['negative', 'neutral', 'positive'])[1 + n % 3],
    (array['low', 'normal', 'normal', 'normal', 'high', 'urgent'])[1 + n / 7 % 6],
    case n % 100 when 7 then 'pt' else (array['es', 'en'])[1 + n % 2] end,
    case when n % 3 > 0 then lpad(to_hex(1 + n / 3 % 20), 32, '0')::uuid end,
    case when n % 50 = 3 then array['vip'] else '{{}}' end, now() + age, now() + age / 2
from generate_series(1, {ROWS}) n, lateral (select -n * interval '1 minute' as age) past
"""
TAG = "insert into inquiry_tag (tag, inquiry_id) select unnest(tags), id from inquiry"

FILTERS: dict[str, Mapping[str, Any]] = {
    "all": {},
    "status": {"status": ["resolved"]},
    "rare status": {"status": ["pending"]},
    "all unfinished": {"status": ["new", "open", "pending"]},
    "some unfinished": {"status": ["new", "pending"]},
    "all finished": {"status": ["closed", "resolved"]},
    "category": {"category": ["category_3"]},
    "several categories": {"category": ["category_3", "category_5"]},
    "assignee": {"assignee_id": [AGENTS[3]]},
    "mine, unfinished": {"assignee_id": [AGENTS[3]], "status": ["new", "open", "pending"]},
    "mine or nobody's": {"assignee_id": [AGENTS[3], None], "status": ["new", "open", "pending"]},
    "unassigned": {"assignee_id": [None]},
    "unassigned, unfinished": {"assignee_id": [None], "status": ["new", "open", "pending"]},
    "tag": {"tag": ["vip"]},
    "tag that nothing has": {"tag": ["none"]},
    "language": {"language": ["es"]},
    "rare language": {"language": ["pt"]},
    "sentiment": {"sentiment": ["negative"]},
    "priority": {"priority": ["urgent"]},
    "triage state": {"triage_state": ["failed"]},
    "rare triage states": {"triage_state": ["failed", "queued", "running"]},
    "range": {"created_from": LATER - timedelta(days=1), "created_before": LATER},
    "status in a range": {"created_before": LATER, "status": ["resolved"]},
    "customer": {"submitter_id": AGENTS[0]},
}
ORDERED: dict[str, tuple[Mapping[str, Any], Ordering]] = {
    f"{name}, by {'-' if ordering.descending else ''}{ordering.field}": (FILTERS[name], ordering)
    for name in ("all", "status", "category", "language", "sentiment", "all unfinished")
    for ordering in (Ordering("update_time"), Ordering("priority"), Ordering("priority", descending=False))
}
KEYS = {"create_time": None, "update_time": LATER, "priority": 2}


@pytest.fixture(scope="module")
async def filled(postgres: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    url = await postgres.migrated()
    owner = await asyncpg.connect(postgres.as_owner(url), server_settings=PLANNER)
    for statement in (FILL, TAG):
        await owner.execute(statement, timeout=60)
    for table in ("inquiry", "inquiry_tag"):
        await owner.execute(f"vacuum analyze {table}", timeout=60)
    yield owner
    await owner.close()
    await postgres.drop(url)


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def read(node: Mapping[str, Any]) -> int:
    """The rows that this node took from its table or index."""
    kept = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(kept * node["Actual Loops"])


async def plan(connection: asyncpg.Connection, statement: Statement, values: dict[str, Any]) -> Any:
    """How it was run with these values, planned for them."""
    written = [await literal(connection, value) for value in statement.arguments(values)]
    await connection.execute(f"prepare asked as {statement.sql}")
    try:
        call = f"execute asked ({', '.join(written)})" if written else "execute asked"
        return msgspec.json.decode(await connection.fetchval(f"explain (analyze, format json) {call}"))[0]["Plan"]
    finally:
        await connection.execute("deallocate asked")


async def literal(connection: asyncpg.Connection, value: Any) -> str:
    if isinstance(value, list):
        return f"array[{', '.join([await literal(connection, one) for one in value])}]"
    if isinstance(value, int):
        return str(value)
    kind = {uuid.UUID: "uuid", datetime: "timestamptz"}.get(type(value), "text")
    quoted = await connection.fetchval(f"select quote_literal($1::{kind})", value)
    return f"{quoted}::{kind}" if kind != "text" else str(quoted)


def short(plan_: Any, most: int) -> list[str]:
    """What is wrong with the plan; nothing if it reads at most that many rows, and none by going through a table."""
    wrong = []
    for node in nodes(plan_):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] != "category":
            wrong.append(f"goes through {node['Relation Name']}")
        if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan" and read(node) > most:
            wrong.append(f"{node['Node Type']} reads {read(node)} rows")
        if "Sort" in node["Node Type"] and node["Plans"][0]["Actual Rows"] > most:
            wrong.append(f"sorts {node['Plans'][0]['Actual Rows']} rows")
    return wrong


@pytest.mark.parametrize("name", FILTERS)
async def test_page_newest_first_reads_about_what_it_shows(filled: asyncpg.Connection, name: str) -> None:
    shape, values = prepared(FILTERS[name])
    middle = uuid.UUID(int=int(LATER.timestamp() * 1000) << 80)
    for from_start, backwards in ((True, False), (False, False), (False, True)):
        statement = page_statement("staff", shape, NEWEST_FIRST, from_start=from_start, backwards=backwards)
        seen = await plan(filled, statement, {**values, "size": SIZE, "position": middle})
        assert short(seen, MOST_READ) == [], msgspec.json.format(msgspec.json.encode(seen)).decode()


@pytest.mark.parametrize("name", ORDERED)
async def test_other_orderings_read_about_what_they_show(filled: asyncpg.Connection, name: str) -> None:
    filters, ordering = ORDERED[name]
    shape, values = prepared(filters)
    values |= {"size": SIZE, "position": uuid.UUID(int=1 << 127), "key": KEYS[ordering.field]}
    for from_start in (True, False):
        statement = page_statement("staff", shape, ordering, from_start=from_start, backwards=False)
        assert short(await plan(filled, statement, values), MOST_READ) == []


@pytest.mark.parametrize("view", ["public", "staff"])
@pytest.mark.parametrize("name", FILTERS)
async def test_total_is_counted_only_as_far_as_it_is_exact(filled: asyncpg.Connection, name: str, view: View) -> None:
    shape, values = prepared(FILTERS[name])
    seen = await plan(filled, count_statement(shape, view), values)
    assert short(seen, 6_000) == []


async def test_plan_that_goes_through_the_table_would_be_noticed(filled: asyncpg.Connection) -> None:
    seen = await plan(filled, Statement("select snippet from inquiry where snippet = 'x'"), {})
    assert set(short(seen, MOST_READ)) == {"goes through inquiry", f"Seq Scan reads {ROWS} rows"}
