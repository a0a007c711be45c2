"""Valkey is wiped, robbed of its group, or not there: inquiries come in all the same, and are done when it is back."""

import asyncio

import pytest

from runtime.doorbell import GROUP, MAX_LENGTH, STREAM
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

HEALED = 90.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


async def test_wiped_valkey_loses_nothing(plan: Plan) -> None:
    async with cluster() as system, system.valkey() as redis:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        for _ in range(plan.rounds(2)):
            inquiries = plan.inquiries(500)
            before = len(load.acknowledged)
            creating = asyncio.create_task(load.create(inquiries))
            for what in plan.rng.sample(["FLUSHALL", "XGROUP DESTROY", "DEL"], 3):
                await load.reached(before + plan.fault(inquiries, what, "valkey").at)
                if what == "FLUSHALL":
                    await redis.flushall()
                elif what == "XGROUP DESTROY":
                    await redis.xgroup_destroy(STREAM, GROUP)
                else:
                    await redis.delete(STREAM)
            await creating
            assert await outcome(system, load.acknowledged, HEALED) == NOTHING_WRONG


async def test_creates_are_accepted_without_valkey_and_done_when_it_is_back(plan: Plan) -> None:
    down = 60.0
    async with cluster() as system:
        await system.start(without=["valkey"])
        load = Load(system.http.base_url, plan.rng, at_once=5)
        await while_down(load, 5.0)
        await system["valkey"].start()
        assert await outcome(system, load.acknowledged, HEALED) == NOTHING_WRONG
        await system["valkey"].kill()
        await while_down(load, down)
        await system["valkey"].start()
        assert await outcome(system, load.acknowledged, HEALED + len(load.acknowledged) / 20) == NOTHING_WRONG
        seconds = sorted(answer.seconds for answer in load.answers)
        p99 = seconds[len(seconds) * 99 // 100]
        plan.say(f"  {len(seconds)} creates without Valkey, p99 {p99:.3f} s, longest {seconds[-1]:.3f} s")
        assert set(load.statuses) == {201}
        assert p99 < 1


async def while_down(load: Load, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    await load.create(100_000, until=lambda: loop.time() > end)


@pytest.mark.timeout(7200)
async def test_stream_stays_bounded_and_nothing_is_pending(plan: Plan) -> None:
    inquiries = plan.inquiries(2000)
    async with cluster(workers=2) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng, at_once=40)
        await load.create(inquiries)
        await system["worker-2"].restart()
        assert await outcome(system, load.acknowledged, HEALED + inquiries / 20) == NOTHING_WRONG
        await assert_tidy(system)


async def assert_tidy(system: Cluster) -> None:
    async with system.valkey() as redis:
        assert await redis.xlen(STREAM) <= MAX_LENGTH * 1.1  # trimmed by whole blocks
        [group] = await redis.xinfo_groups(STREAM)
        assert group["pending"] == 0
        consumers = await redis.xinfo_consumers(STREAM, GROUP)
        assert {consumer["name"] for consumer in consumers} == {b"worker-1", b"worker-2"}
