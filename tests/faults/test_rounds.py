"""A process is killed at a random moment while inquiries come in, again and again: none is lost, none done twice."""

import asyncio

import pytest

from tests.faults.conftest import CONCURRENCY, at
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
from tests.support.openai_stub import OpenAIStub
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

PROCESSES = ("edge", "inquiry", "ai", "worker")
HEALED = 120.0
"""Seconds after a fault; a backlog has to be worked off as well, at SLOWEST inquiries a second."""
SLOWEST = 10


@pytest.mark.faults
@pytest.mark.timeout(7200)
async def test_killed_process_loses_and_repeats_nothing(plan: Plan, provider: OpenAIStub) -> None:
    rounds, inquiries = plan.rounds(5), plan.inquiries(1000)
    async with cluster(**at(provider)) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        for number in range(rounds):
            provider.requests.clear()
            await one_round(plan, system, load, inquiries)
            plan.keep(f"round-{number + 1}", load.acknowledged)
            assert await outcome(system, load.acknowledged, HEALED + inquiries / SLOWEST) == NOTHING_WRONG
            calls = len(provider.requests)
            plan.say(f"  round {number + 1}: lost 0, repeated 0, failed 0; {calls} calls of the provider")
            assert inquiries <= calls <= inquiries + CONCURRENCY  # one kill: what was in flight is asked for again


async def one_round(plan: Plan, system: Cluster, load: Load, inquiries: int) -> None:
    before = len(load.acknowledged)
    fault = plan.fault(inquiries, "kill -9", *PROCESSES)
    creating = asyncio.create_task(load.create(inquiries))
    await load.reached(before + fault.at)
    await system[fault.whom].restart(down=plan.rng.uniform(0.0, 2.0))
    await creating
