"""Ten times what the system can take, and half of it for long: it refuses politely, recovers, and leaks nothing."""

import asyncio
import time
from statistics import median
from typing import NamedTuple

import psutil
import pytest
from redis.asyncio import Redis

from benchmarks.processes import family, seconds_of
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
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
PARTS = 9
"""Of 45 minutes: five each."""
SLICES = 3
ENOUGH = 100 * SLICES
MOST_GROWTH = 1.2

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


class Use(NamedTuple):
    """What one service holds."""

    megabytes: int
    descriptors: int
    connections: int


class Part(NamedTuple):
    """What was seen in a ninth of the time."""

    creates: list[float]
    """Seconds of each answer."""
    pings: list[float]
    """Seconds of what costs nothing, asked at the same time."""
    processor: float
    """Seconds that all services used for one create and all that follows it; told, but not compared: the busier the
    machine is with other things, the more goes together in one call, and the less it costs."""


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
    seconds = request.config.getoption("--minutes") * 60
    async with cluster() as system, system.valkey() as valkey:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        began = time.monotonic()
        await for_seconds(load, MEASURING)
        assert await outcome(system, load.acknowledged, 300) == NOTHING_WRONG
        every = 2 * (time.monotonic() - began) / len(load.acknowledged)
        await for_seconds(load, WARM, every)
        before = use(system)
        parts = [await part(system, load, valkey, seconds / PARTS, every) for _ in range(PARTS)]
        after = use(system)
        plan.say(f"  one create every {every:.4f} s for {seconds:.0f} s; before {before}, after {after}")
        for number, (creates, pings, processor) in enumerate(parts, start=1):
            plan.say(
                f"  part {number}: {len(creates)} creates, {processor * 1000:.2f} ms of a processor each;"
                f" p99 {p99(creates) * 1000:.1f} ms, of a ping of Valkey {p99(pings) * 1000:.2f} ms"
            )
        assert await outcome(system, load.acknowledged, 300) == NOTHING_WRONG
    for name in MOST_MEMORY:
        assert after[name].megabytes <= before[name].megabytes * 1.1 + 10
        assert after[name].descriptors <= before[name].descriptors + 10
        assert after[name].connections <= before[name].connections + 5
    first, last = parts[0], parts[-1]
    if min(len(first.creates), len(last.creates)) < ENOUGH:
        plan.say(f"  fewer than {ENOUGH} creates in a part: their p99 is chance, and is not compared")
        return
    slower_machine = max(1.0, p99(last.pings) / p99(first.pings))
    assert p99(last.creates) <= MOST_GROWTH * slower_machine * p99(first.creates)


async def for_seconds(load: Load, seconds: float, every: float = 0.0) -> None:
    """Customers write as fast as they can, or one of them each so many seconds."""
    end = time.monotonic() + seconds
    await load.create(10**9, until=lambda: time.monotonic() > end, every=every)


async def part(system: Cluster, load: Load, valkey: Redis, seconds: float, every: float) -> Part:
    """Write for so long, and ask Valkey as often for nothing, which tells how busy the machine is otherwise."""
    known, used = len(load.answers), processor_seconds(system)
    creating = asyncio.create_task(for_seconds(load, seconds, every))
    pings = []
    while not creating.done():
        began = time.monotonic()
        await valkey.ping()
        pings.append(time.monotonic() - began)
        await asyncio.sleep(every)
    await creating
    creates = [answer.seconds for answer in load.answers[known:]]
    return Part(creates, pings, (processor_seconds(system) - used) / len(creates))


def p99(seconds: list[float]) -> float:
    """What 99 of 100 stay below: the median over slices, so that one moment of a busy machine decides nothing."""
    size = max(1, len(seconds) // SLICES)
    slices = [sorted(seconds[start : start + size]) for start in range(0, size * SLICES, size)]
    return median(one[len(one) * 99 // 100] for one in slices if one)


def processor_seconds(system: Cluster) -> float:
    """What our services have used of a processor so far."""
    return sum(seconds_of(psutil.Process(system[name].pid)) for name in MOST_MEMORY)


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
