"""Several inquiry services ring and sweep side by side, killed at any point: only doorbells are doubled."""

import asyncio

import pytest

from tests.support.cluster import cluster
from tests.support.load import Load
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_killed_relays_double_no_result(plan: Plan) -> None:
    inquiries = plan.inquiries(500)
    async with cluster(inquiries=3, workers=2, POK_LEASE_SECONDS="5") as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        for _ in range(plan.rounds(2)):
            before = len(load.acknowledged)
            creating = asyncio.create_task(load.create(inquiries))
            faults = sorted(
                plan.fault(inquiries, "kill -9", "inquiry", "inquiry-2", "inquiry-3", "worker") for _ in range(4)
            )
            for fault in faults:
                await load.reached(before + fault.at)
                await system[fault.whom].restart(down=plan.rng.uniform(0.0, 1.0))
            await creating
            assert await outcome(system, load.acknowledged, 120) == NOTHING_WRONG
