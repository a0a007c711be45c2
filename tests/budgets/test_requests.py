"""What each hot request costs stays within its budget, and none goes through a table."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from inquiry_service.storage.database import PLANNER
from runtime.rpc import context
from tests.budgets.conftest import PAGE, Ask
from tests.budgets.counting import cost
from tests.support.inquiry import Service
from tests.support.statements import Log

BUDGETS: Mapping[str, Mapping[str, int]] = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text())
LARGE = {"inquiry", "message", "event", "triage_job", "ai_run", "draft", "inquiry_tag", "inquiry_embedding"}
"""Tables that grow with every inquiry."""

PLANNED = ("select", "with", "insert", "update", "delete")
MOST_SORTED = 4 * PAGE


@pytest.mark.parametrize("name", BUDGETS)
async def test_request_stays_within_its_budget(name: str, requests: Mapping[str, Ask], log: Log) -> None:
    found = await cost(requests[name], log)
    over = [what for what, count in found.items() if count > BUDGETS[name][what]]
    assert not over, f"{name} costs {found}, and may cost {BUDGETS[name]}"


@pytest.mark.parametrize("name", BUDGETS)
async def test_request_finds_its_rows_by_indexes(
    name: str, requests: Mapping[str, Ask], log: Log, service: Service
) -> None:
    await requests[name]()
    await log.restart()
    await requests[name]()
    asked = [one.literal for one in await log.asked() if one.sql.lower().startswith(PLANNED)]
    assert asked
    connection = await asyncpg.connect(service.database_url, server_settings=PLANNER)
    try:
        plans = {sql: await connection.fetchval(f"explain (format json) {sql}") for sql in asked}
    finally:
        await connection.close()
    wrong = {sql: found for sql, plan in plans.items() if (found := list(_wrong(msgspec.json.decode(plan)[0]["Plan"])))}
    assert not wrong


async def test_requests_deadline_ends_with_it(requests: Mapping[str, Ask]) -> None:
    await requests["list"]()
    assert context.current() is None


def _wrong(node: Mapping[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
        yield f"goes through {node['Relation Name']}"
    if node["Node Type"] == "Sort" and node["Plan Rows"] > MOST_SORTED:
        yield f"sorts about {node['Plan Rows']} rows"
    for child in node.get("Plans", ()):
        yield from _wrong(child)
