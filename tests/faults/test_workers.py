"""Workers that are killed, frozen or stopped: their inquiries are done by others, once, and soon."""

import asyncio
import json
import time

import pytest
from redis.asyncio import Redis

from runtime.doorbell import STREAM
from tests.faults.conftest import CONCURRENCY, asked, at
from tests.support.cluster import Cluster, Link, cluster
from tests.support.load import Load
from tests.support.openai_stub import OpenAIStub, Reply, Request, after, answering
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome, settled

RESULT_BYTES = 1000
"""A result is larger, since it holds an embedding; claims, renewals and failures are smaller."""
PATIENCE = 60.0
SLOWEST = 10
"""Inquiries a second in which a backlog is worked off at least."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


async def says(system: Cluster, name: str, *words: str) -> None:
    """Wait until a member has logged one of these words."""
    async with asyncio.timeout(PATIENCE):
        while not any(word in system[name].log.path.read_text() for word in words):  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.05)


async def test_worker_killed_between_answer_and_commit_stores_one_result(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(("worker", "inquiry"), POK_LEASE_SECONDS="3", **at(provider)) as system:
        await system.start()
        link = system.links[Link("worker", "inquiry")]
        load = Load(system.http.base_url, plan.rng)
        provider.behave = after(0.5)
        await load.create(1)
        await asked(provider, 1)
        await link.be("blackhole")
        await link.holds(RESULT_BYTES)
        await system["worker"].kill()
        await link.be("pass")
        await system["worker"].start()
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG
        assert len(provider.requests) == 2


async def test_late_worker_changes_nothing(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(workers=2, POK_LEASE_SECONDS="2", **at(provider)) as system:
        await system.start(without=["worker-2"])
        load = Load(system.http.base_url, plan.rng)
        provider.behave = lambda _: Reply(hang=True)
        await load.create(8)
        await asked(provider, 8)
        system["worker"].freeze()
        provider.behave = answering()
        await system["worker-2"].start()
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG
        before = await system.sql("select id, version, update_time from inquiry order by id")
        system["worker"].thaw()
        await says(system, "worker", "claim_ended", "claim_stale")
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG
        assert await system.sql("select id, version, update_time from inquiry order by id") == before
        await system["worker-2"].stop()
        await load.create(5)
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG  # by the one that was late


async def test_inquiries_of_a_killed_worker_are_done_within_a_minute(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(workers=2, **at(provider)) as system:  # with the usual lease
        await system.start(without=["worker-2"])
        load = Load(system.http.base_url, plan.rng)
        provider.behave = lambda _: Reply(hang=True)
        await load.create(CONCURRENCY)
        await asked(provider, CONCURRENCY)
        provider.behave = answering()
        await system["worker-2"].start()
        await system["worker"].kill()
        began = time.monotonic()
        await settled(system, load.acknowledged, PATIENCE)
        plan.say(f"  {CONCURRENCY} inquiries of a killed worker were done {time.monotonic() - began:.1f} s later")
        assert await outcome(system, load.acknowledged, 0) == NOTHING_WRONG


async def test_stopped_worker_leaves_in_time_and_its_inquiries_are_done_at_once(
    plan: Plan, provider: OpenAIStub
) -> None:
    async with cluster(workers=2, **at(provider)) as system:
        await system.start(without=["worker-2"])
        load = Load(system.http.base_url, plan.rng)
        provider.behave = lambda _: Reply(hang=True)
        await load.create(CONCURRENCY)
        await asked(provider, CONCURRENCY)
        provider.behave = answering()
        await system["worker-2"].start()
        began = time.monotonic()
        assert await system["worker"].stop() == 0
        ended = time.monotonic()
        await settled(system, load.acknowledged, PATIENCE)
        done = time.monotonic()
        plan.say(f"  the worker ended after {ended - began:.1f} s, its inquiries were done {done - ended:.1f} s later")
        assert await outcome(system, load.acknowledged, 0) == NOTHING_WRONG
        assert ended - began <= 25
        assert done - ended <= 5


async def test_inquiry_that_kills_its_workers_is_failed_alone_and_can_be_retried(
    plan: Plan, provider: OpenAIStub
) -> None:
    async with cluster(POK_LEASE_SECONDS="3", **at(provider)) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        deadly = asyncio.Event()
        poison = f"A-{10_000 + plan.rng.randrange(CONCURRENCY)}"

        def behave(request: Request) -> Reply:
            if kills and poison not in json.dumps(request):
                return answering()(request)
            if poison in json.dumps(request):
                deadly.set()
            return Reply(hang=True)  # at first everybody's, so that all are in flight when the first kill comes

        kills: list[float] = []
        provider.behave = behave
        await load.create(CONCURRENCY)
        await asked(provider, CONCURRENCY)
        creating = asyncio.create_task(load.create(200))
        for _ in range(3):
            await asyncio.wait_for(deadly.wait(), PATIENCE)
            kills.append(time.monotonic())
            deadly.clear()
            await system["worker"].restart()
        await creating
        [poisoned] = [id_ for id_, number in load.acknowledged.items() if f"A-{10_000 + number}" == poison]
        ended = await outcome(system, load.acknowledged, PATIENCE)
        assert ended == NOTHING_WRONG._replace(failed={poisoned: "crashed_worker"})
        assert not deadly.is_set()  # nobody has tried a fourth time
        provider.behave = answering()
        (await system.http.post(f"/api/inquiries/{poisoned}/retriage/")).raise_for_status()
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG


async def test_stopped_processes_drain_behind_clients_that_try_again(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(workers=2, **at(provider)) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        provider.behave = after(0.2)
        stopping = True
        creating = asyncio.create_task(load.create(100_000, until=lambda: not stopping))
        for name in ("worker", "edge", "ai", "inquiry", "worker-2"):
            await load.reached(len(load.acknowledged) + 30)
            began = time.monotonic()
            assert await system[name].stop() == 0, name
            plan.say(f"  {name} ended after {time.monotonic() - began:.1f} s; answers so far: {dict(load.statuses)}")
            assert time.monotonic() - began <= 25
            await system[name].start()
        stopping = False
        await creating
        patience = PATIENCE + len(load.acknowledged) / SLOWEST
        assert await outcome(system, load.acknowledged, patience) == NOTHING_WRONG
        assert load.statuses.keys() <= {201, 503, 0}
        assert all(answer.retry_after for answer in load.answers if answer.status == 503)


async def test_messages_of_another_version_lose_nothing(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(workers=2, **at(provider)) as system, system.valkey() as redis:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        inquiries = plan.inquiries(100)
        creating = asyncio.create_task(load.create(inquiries))
        for step in range(1, 10):
            await load.reached(step * inquiries // 10)
            await strange_messages(redis, next(iter(load.acknowledged)))
        await creating
        assert await outcome(system, load.acknowledged, 100) == NOTHING_WRONG
        assert all(system[name].runs for name in ("worker", "worker-2"))


async def strange_messages(redis: Redis, inquiry_id: str) -> None:
    usual = {"task_id": "1", "task_name": "triage_inquiry", "labels": {}, "labels_types": {}}
    for message in (
        {**usual, "task_name": "triage_inquiry_v2", "args": [inquiry_id], "kwargs": {}},
        {**usual, "args": [inquiry_id], "kwargs": {}, "priority": 3},
        {**usual, "args": [inquiry_id], "kwargs": {"lane": "live"}},
        {**usual, "args": [], "kwargs": {}},
        {**usual, "args": [17], "kwargs": {}},
        ["no", "message"],
    ):
        await redis.xadd(STREAM, {"data": json.dumps(message)})
    await redis.xadd(STREAM, {"data": b"\xff\xfe", "version": "2"})
    await redis.xadd(STREAM, {"other": "1"})
