"""A sweep reads what it rings for and what it has rung for, however much waits: the plans on a filled queue."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from inquiry_service.storage import doorbells
from inquiry_service.storage.database import PLANNER, Connection, Statement
from tests.inquiry_service.test_list_plans import plan, short
from tests.support.servers import PostgresServer

ROWS = 20_000
RUNG = 500
ROOM = 100
MOST_READ = 3 * (RUNG + ROOM)
"""Rows: each lane's beginning, with what was rung for."""

# In each lane an outage has left retries that are not due, and others are; beside them what is done.
FILL = f"""
insert into triage_job (inquiry_id, lane, state, run_after)
select uuidv7(), n % 3, case when n % 2 = 0 then 'idle' else 'queued' end,
    now() + case when n % 5 = 1 then 1 else -1 end * n * interval '1 second'
from generate_series(1, {ROWS}) n
"""
RING = f"""
update triage_job set rung_at = now() where inquiry_id in (
    select inquiry_id from triage_job where state = 'queued' and run_after <= now() order by run_after limit {RUNG})
"""
SWEEPS: dict[str, tuple[Statement, dict[str, Any]]] = {
    "due": (doorbells._DUE, {"most": RUNG + ROOM, "ring_again": 30, "lanes": [0, 1, 2]}),
    "next": (doorbells._NEXT, {"lanes": [0, 1, 2]}),
    "lost leases": (doorbells._EXPIRE, {"max_crashes": 3}),
    "lost doorbells": (doorbells._FORGET_RINGS, {}),
}


@pytest.fixture(scope="module")
async def filled(postgres: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    url = await postgres.migrated()
    owner = await asyncpg.connect(postgres.as_owner(url), server_settings=PLANNER)
    for statement in (FILL, RING, "vacuum analyze triage_job"):
        await owner.execute(statement, timeout=60)
    yield owner
    await owner.close()
    await postgres.drop(url)


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_sweep_reads_what_is_due_not_what_waits(filled: asyncpg.Connection, name: str, mode: str) -> None:
    sweeping = filled.transaction()
    await sweeping.start()
    await filled.execute(f"set local plan_cache_mode = {mode}")
    try:
        assert short(await plan(filled, *SWEEPS[name]), MOST_READ) == []
    finally:
        await sweeping.rollback()


async def test_sweep_rings_oldest_first_and_the_live_lane_before_others(filled: asyncpg.Connection) -> None:
    sweeping = filled.transaction()
    await sweeping.start()
    due = await filled.fetch(
        f"""select inquiry_id from triage_job where state = 'queued' and lane = 0 and run_after <= now()
        and rung_at is null order by run_after limit {ROOM}"""
    )
    rung = await doorbells.ring_due(Connection(filled), RUNG + ROOM)
    await sweeping.rollback()
    assert rung == [row["inquiry_id"] for row in due]
