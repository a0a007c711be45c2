"""Ten times what the system can take, and half of it for long: it refuses politely, recovers, and leaks nothing."""

import asyncio
import time
from typing import NamedTuple

import psutil
import pytest

from benchmarks.processes import family
from tests.support.cluster import Cluster, cluster
from tests.support.load import Answer, Load
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

MOST_MEMORY = {"edge": 512, "inquiry": 512, "ai": 1024, "worker": 256}
"""Service → megabytes, as compose.yaml limits it."""
CUSTOMERS = 25
MEASURING = 15.0
FLOOD = 60.0
BACK_TO_NORMAL = 30.0
WARM = 60.0
"""Seconds at the beginning that do not count: caches and pools are being filled."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


class Use(NamedTuple):
    """What one service holds."""

    megabytes: int
    descriptors: int
    connections: int


async def test_flood_is_refused_politely_and_leaves_no_trace(plan: Plan) -> None:
    async with cluster() as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng, at_once=10 * CUSTOMERS)
        await for_seconds(load, FLOOD)
        plan.say(f"  {len(load.answers)} answers of the flood: {dict(load.statuses)}; {use(system)}")
        assert load.statuses.keys() <= {201, 429, 503}
        assert all(used.megabytes < MOST_MEMORY[name] for name, used in use(system).items())
        await asyncio.sleep(BACK_TO_NORMAL)
        calm = Load(system.http.base_url, plan.rng, at_once=1)
        await calm.create(50)
        assert calm.statuses.keys() == {201}
        assert calm.longest(201) < 1
        everything = load.acknowledged | calm.acknowledged
        assert await outcome(system, everything, len(everything)) == NOTHING_WRONG


async def test_half_capacity_for_long_leaks_nothing(plan: Plan, request: pytest.FixtureRequest) -> None:
    minutes: float = request.config.getoption("--minutes")
    async with cluster() as system:
        await system.start()
        measured = Load(system.http.base_url, plan.rng)
        await for_seconds(measured, MEASURING)
        assert await outcome(system, measured.acknowledged, 300) == NOTHING_WRONG
        pause = 2 * MEASURING / len(measured.acknowledged)
        load = Load(system.http.base_url, plan.rng, at_once=1)
        await for_seconds(load, WARM, pause)
        before, began = use(system), len(load.answers)
        await for_seconds(load, minutes * 60, pause)
        after = use(system)
        tenth = max(1, (len(load.answers) - began) // 9)  # of 45 minutes: five
        first, last = p99(load.answers[began : began + tenth]), p99(load.answers[-tenth:])
        plan.say(
            f"  {len(load.answers) - began} creates in {minutes} min; p99 at first {first:.4f} s, at last {last:.4f} s"
        )
        plan.say(f"  before {before}\n  after  {after}")
        assert await outcome(system, load.acknowledged | measured.acknowledged, 300) == NOTHING_WRONG
        for name in MOST_MEMORY:
            assert after[name].megabytes <= before[name].megabytes * 1.1 + 10
            assert after[name].descriptors <= before[name].descriptors + 10
            assert after[name].connections <= before[name].connections + 5
        assert last <= 1.2 * first


async def for_seconds(load: Load, seconds: float, pause: float = 0.0) -> None:
    """Customers write as fast as they can, or each so many seconds apart."""
    end = time.monotonic() + seconds
    if not pause:
        await load.create(10**9, until=lambda: time.monotonic() > end)
    while time.monotonic() < end:
        next_one = time.monotonic() + pause
        await load.create(1)
        await asyncio.sleep(max(0.0, next_one - time.monotonic()))


def p99(answers: list[Answer]) -> float:
    """Seconds within which 99 of 100 were given."""
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[len(seconds) * 99 // 100]


def use(system: Cluster) -> dict[str, Use]:
    """What each of our services holds at present, with the processes that it has started."""
    found = {}
    for name in MOST_MEMORY:
        processes = family(psutil.Process(system[name].pid))
        found[name] = Use(
            sum(process.memory_info().rss for process in processes) // 2**20,
            sum(process.num_fds() for process in processes),
            sum(len(process.net_connections()) for process in processes),
        )
    return found
