"""Health of work goes by the age of what is due, whichever processes are up; intake goes on."""

import asyncio

import httpx
import pytest

from tests.faults.conftest import CONCURRENCY, asked, at
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
from tests.support.openai_stub import OpenAIStub, Reply, answering
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

PATIENCE = 90.0


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_waiting_work_is_told_while_all_processes_are_up_and_intake_goes_on(
    plan: Plan, provider: OpenAIStub
) -> None:
    async with cluster(**at(provider)) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        provider.behave = lambda _: Reply(hang=True)
        await load.create(CONCURRENCY)
        await asked(provider, CONCURRENCY)  # the worker has its hands full
        await load.create(3)
        [waiting, *_] = await system.sql(
            """with shifted as (
                update triage_job set run_after = run_after - interval '125 seconds' where state = 'queued'
                returning inquiry_id, run_after)
            select number, run_after from shifted join inquiry on id = inquiry_id order by run_after"""
        )
        work = await health_of_work(system, 503)
        assert work.json()["type"] == "urn:pok:problem:work-waits"
        assert f"POK-{waiting['number']}" in work.json()["detail"]
        assert f"{waiting['run_after']:%Y-%m-%dT%H:%M:%SZ}" in work.json()["detail"]
        assert all(member.runs for member in system.members.values() if not member.process.once)
        assert (await system.http.get("/api/health/ready")).status_code == 200
        await load.create(3)
        assert load.statuses == {201: CONCURRENCY + 6}
        provider.behave = answering()
        await system["ai"].restart()  # which ends what hangs
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG
        await health_of_work(system, 200)


async def health_of_work(system: Cluster, status: int) -> httpx.Response:
    """What it says once it has this status, which may be a second later."""
    async with asyncio.timeout(5):
        while True:
            answer = await system.http.get("/api/health/work")
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.1)
