"""PostgreSQL is killed while inquiries come in: what was acknowledged is there, and everybody else is told when to
come back."""

import asyncio

import pytest

from tests.support.cluster import cluster
from tests.support.load import Load
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

RECONNECTED = 10.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


async def test_killed_postgres_loses_nothing_that_was_acknowledged(plan: Plan) -> None:
    rounds = plan.rounds(10)
    async with cluster() as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng, at_once=10)
        busy = True
        creating = asyncio.create_task(load.create(100_000, until=lambda: not busy))
        pids = {name: system[name].pid for name in ("edge", "inquiry", "worker", "ai")}
        for number in range(rounds):
            await load.reached(len(load.acknowledged) + plan.rng.randrange(20, 100))
            down = plan.rng.uniform(0.0, 3.0)
            plan.say(f"  round {number + 1}: kill -9 postgres after {len(load.acknowledged)}, down for {down:.1f} s")
            await system["postgres"].restart(down=down)
            async with asyncio.timeout(RECONNECTED):
                await load.reached(len(load.acknowledged) + 1)
        busy = False
        await creating
        plan.say(f"  answers: {dict(load.statuses)}, slowest 503 after {load.longest(503):.2f} s")
        assert await outcome(system, load.acknowledged, 90) == NOTHING_WRONG
        assert set(load.statuses) <= {201, 503}
        assert all(answer.retry_after for answer in load.answers if answer.status == 503)
        assert load.longest(503) < 2
        assert pids == {name: system[name].pid for name in pids} and all(system[name].runs for name in pids)
