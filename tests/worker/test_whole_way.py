"""The worker with the real inquiry service: what is accepted ends final, once, whatever dies in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import msgspec
import pytest
from pok.ai.v1 import analysis_pb2
from redis.asyncio import Redis

from runtime.rpc.errors import Unavailable
from runtime.settings import Secret
from tests.support.analysis_stub import AnalysisStub, billing
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.tokens import TOKENS
from worker.__main__ import work
from worker.settings import WorkerSettings

PATIENCE = 30.0
POLL = 0.02


class Workers:
    """Worker processes' bodies, each of which can be cut off as a crash would."""

    def __init__(self, service: Service, ai: AnalysisStub, redis_url: str) -> None:
        self._settings = WorkerSettings(
            redis_url=Secret(redis_url),
            inquiry_address=f"127.0.0.1:{service.port}",
            ai_address=ai.address,
            service_token=TOKENS["worker"],
        )
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str) -> None:
        settings = msgspec.structs.replace(self._settings, worker_name=name)
        self._running[name] = asyncio.create_task(work(settings, asyncio.Event()))

    async def crash(self, name: str) -> None:
        task = self._running.pop(name)
        task.cancel()
        await asyncio.wait({task})

    async def crash_all(self) -> None:
        for name in list(self._running):
            await self.crash(name)


@pytest.fixture
async def service(database_url: str, redis_url: str) -> AsyncIterator[Service]:
    act_as("support")
    async with inquiry_service(database_url, redis_url, lease_seconds=2) as running:
        yield running


@pytest.fixture
async def workers(service: Service, ai: AnalysisStub, redis_url: str) -> AsyncIterator[Workers]:
    workers = Workers(service, ai, redis_url)
    yield workers
    await workers.crash_all()


async def jobs(service: Service) -> list[asyncpg.Record]:
    return await service.sql("select i.triage_state, j.* from inquiry i join triage_job j on j.inquiry_id = i.id")


async def until(service: Service, condition: Callable[[list[asyncpg.Record]], bool]) -> list[asyncpg.Record]:
    async with asyncio.timeout(PATIENCE):
        while not condition(rows := await jobs(service)):  # noqa: ASYNC110 - Postgres sets no event of ours
            await asyncio.sleep(POLL)
    return rows


def all_final(rows: list[asyncpg.Record]) -> bool:
    return all(row["triage_state"] in {"done", "needs_review", "failed"} for row in rows)


async def completions(service: Service) -> list[int]:
    """How often each inquiry got a result."""
    rows = await service.sql("select count(*) as n from event where kind = 'triage_completed' group by inquiry_id")
    return [row["n"] for row in rows]


async def test_new_inquiries_are_classified(service: Service, workers: Workers) -> None:
    workers.start("w1")
    created = [(await service.create()).inquiry.id for _ in range(20)]
    rows = await until(service, all_final)
    assert {row["triage_state"] for row in rows} == {"done"}
    assert await completions(service) == [1] * 20
    assert (await service.get(created[0])).suggested_reply == "Thank you for writing."


async def test_wiped_valkey_delays_but_loses_nothing(service: Service, workers: Workers, redis: Redis) -> None:
    for _ in range(10):
        await service.create()
    await redis.flushdb()
    await service.sql("update triage_job set rung_at = now() - interval '31 seconds' where rung_at is not null")
    workers.start("w1")
    await until(service, all_final)
    assert await completions(service) == [1] * 10


async def test_work_of_a_crashed_worker_is_done_by_another(
    service: Service, ai: AnalysisStub, workers: Workers
) -> None:
    async def never(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        await asyncio.Event().wait()
        return await billing(request)

    ai.answer = never
    workers.start("w1")
    for _ in range(5):
        await service.create()
    await ai.until(lambda stub: len(stub.in_flight) == 5)
    await workers.crash("w1")
    ai.answer = billing
    workers.start("w2")
    await until(service, all_final)
    assert await completions(service) == [1] * 5


async def test_absent_ai_counts_no_attempt(service: Service, ai: AnalysisStub, workers: Workers) -> None:
    workers.start("w1")
    await service.create()
    await until(service, all_final)
    await ai.stop()
    await service.create()
    rows = await until(service, lambda rows: any(row["claim"] and row["state"] == "queued" for row in rows))
    assert {(row["attempt"], row["crashes"]) for row in rows} == {(0, 0)}  # claimed and given back
    await ai.start()
    rows = await until(service, all_final)
    assert {row["triage_state"] for row in rows} == {"done"}
    assert {(row["attempt"], row["crashes"]) for row in rows} == {(0, 0)}


async def test_failed_attempt_is_tried_again(service: Service, ai: AnalysisStub, workers: Workers) -> None:
    failures = iter([Unavailable("Busy.", reason="PROVIDER_BUSY")])

    async def once_busy(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        for failure in failures:
            raise failure
        return await billing(request)

    ai.answer = once_busy
    workers.start("w1")
    inquiry_id = (await service.create()).inquiry.id
    [row] = await until(service, all_final)
    assert row["triage_state"] == "done"
    reasons = [event["body"] for event in await service.events(inquiry_id) if "provider_busy" in str(event["body"])]
    assert len(reasons) == 1


async def test_inquiry_that_kills_its_workers_is_failed_and_its_neighbours_are_not(
    service: Service, ai: AnalysisStub, workers: Workers
) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(32)]
    poison = ids[5]

    async def deadly(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        if request.inquiry_id == poison or not killed:
            await asyncio.Event().wait()
        return await billing(request)

    ai.answer = deadly
    killed: list[str] = []
    workers.start("w0")
    await ai.until(lambda stub: len(stub.in_flight) == 32)
    while len(killed) < 3:
        await ai.until(lambda stub: poison in stub.in_flight)
        killed.append(f"w{len(killed)}")
        await workers.crash(killed[-1])
        await ai.until(lambda stub: poison not in stub.in_flight)
        workers.start(f"w{len(killed)}")
    rows = await until(service, all_final)
    states = {str(row["inquiry_id"]): row["triage_state"] for row in rows}
    assert {inquiry_id for inquiry_id, state in states.items() if state != "done"} == {poison}
    assert (await service.get(poison)).triage_reason == "crashed_worker"
    assert await completions(service) == [1] * 31


async def test_inquiry_that_ends_the_ai_service_is_failed_and_its_neighbours_are_not(
    service: Service, ai: AnalysisStub, workers: Workers
) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(20)]
    poison = ids[3]
    ended = asyncio.Event()
    ends = 0

    async def deadly(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        if request.inquiry_id == poison:
            ended.set()
            await asyncio.Event().wait()
        return await billing(request)

    ai.answer = deadly
    workers.start("w1")
    async with asyncio.timeout(3 * PATIENCE):
        while not all_final(await jobs(service)):
            if ended.is_set():
                ended.clear()
                ends += 1
                # As if half a minute had passed since its last: who was served meanwhile is known to ten seconds.
                await service.sql(
                    "update triage_job set ai_crash_time = ai_crash_time - interval '30 seconds' where inquiry_id = $1",
                    uuid.UUID(poison),
                )
                await ai.stop()
                await ai.start()
            await service.sql("update triage_job set run_after = least(run_after, now()) where run_after > now()")
            await asyncio.sleep(POLL)
    states = {str(row["inquiry_id"]): row["triage_state"] for row in await jobs(service)}
    assert {inquiry_id for inquiry_id, state in states.items() if state != "done"} == {poison}
    assert (await service.get(poison)).triage_reason == "crashed_ai_service"
    assert 3 <= ends <= 6  # it counts only where others were served in between
