"""The worker hears every doorbell that Valkey still has, whatever happened to Valkey."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

import worker.broker
from runtime.doorbell import GROUP, STREAM
from runtime.stack.process import running as running_process
from runtime.stack.valkey import Valkey
from tests.support.analysis_stub import AnalysisStub, Held
from tests.support.servers import free_ports
from tests.support.triage_stub import TriageStub
from tests.worker.conftest import Running, message, running, settings_for
from worker.broker import MOST_AT_ONCE, DoorbellBroker


@contextlib.asynccontextmanager
async def listening(redis_url: str, room: int = 1) -> AsyncIterator[DoorbellBroker]:
    async def always() -> int:
        return room

    broker = DoorbellBroker(redis_url, "worker-of-test", always)
    yield broker
    await broker.shutdown()


async def heard(broker: DoorbellBroker) -> bytes:
    async with asyncio.timeout(15), contextlib.aclosing(broker.listen()) as doorbells:
        return await anext(doorbells)


async def test_doorbell_that_rang_before_any_worker_was_there_is_heard(redis_url: str, redis: Redis) -> None:
    await redis.xadd(STREAM, {"data": "early"})
    async with listening(redis_url) as broker:
        assert await heard(broker) == b"early"


async def test_heard_doorbell_is_acknowledged(redis_url: str, redis: Redis) -> None:
    await redis.xadd(STREAM, {"data": "once"})
    async with listening(redis_url) as broker:
        await heard(broker)
    assert (await redis.xpending(STREAM, GROUP))["pending"] == 0
    [group] = await redis.xinfo_groups(STREAM)
    assert group["lag"] == 0


async def test_doorbells_are_read_together_but_left_to_other_workers_beyond_a_few(redis_url: str, redis: Redis) -> None:
    for number in range(20):
        await redis.xadd(STREAM, {"data": str(number)})
    async with listening(redis_url, room=20) as broker, contextlib.aclosing(broker.listen()) as doorbells:
        assert [await anext(doorbells) for _ in range(3)] == [b"0", b"1", b"2"]
        [group] = await redis.xinfo_groups(STREAM)
        assert group["entries-read"] == MOST_AT_ONCE


async def test_doorbells_that_a_stopped_worker_has_read_and_not_begun_with_are_heard_by_others(
    redis_url: str, redis: Redis
) -> None:
    for number in range(3):
        await redis.xadd(STREAM, {"data": str(number)})
    async with listening(redis_url, room=3) as stopped:
        assert await heard(stopped) == b"0"
    async with listening(redis_url) as other:
        assert [await heard(other) for _ in range(2)] == [b"1", b"2"]


async def test_worker_reads_no_more_than_it_can_begin_with(
    queue: TriageStub, ai: AnalysisStub, redis_url: str, redis: Redis
) -> None:
    async def read() -> int:
        [group] = await redis.xinfo_groups(STREAM)
        return int(group["entries-read"])

    ai.answer = held = Held()
    settings = msgspec.structs.replace(settings_for(queue, ai, redis_url), worker_concurrency=3)
    inquiries = set(map(str, range(6)))
    await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    async with running(settings, queue, redis) as worker:
        await worker.ring(*sorted(inquiries))
        await ai.until(lambda stub: len(stub.in_flight) == 3)
        assert await read() == 3
        held.let_go.set()
        await queue.until(lambda stub: dict(stub.outcomes).keys() == inquiries)
        assert await read() == 6


async def test_wiped_valkey_is_listened_to_again(redis_url: str, redis: Redis) -> None:
    async with listening(redis_url) as broker, contextlib.aclosing(broker.listen()) as doorbells:
        for doorbell in ("before", "after"):
            await redis.flushdb()
            await redis.xadd(STREAM, {"data": doorbell})
            async with asyncio.timeout(15):
                assert await anext(doorbells) == doorbell.encode()


async def test_cut_connection_is_made_again(redis_url: str, redis: Redis) -> None:
    async with listening(redis_url) as broker, contextlib.aclosing(broker.listen()) as doorbells:
        for doorbell in ("before", "after"):
            await redis.client_kill_filter(_type="normal", skipme=True)
            await redis.xadd(STREAM, {"data": doorbell})
            async with asyncio.timeout(15):
                assert await anext(doorbells) == doorbell.encode()


async def test_malformed_doorbells_are_dropped(queue: TriageStub, worker: Running, redis: Redis) -> None:
    await redis.xadd(STREAM, {"no": "data"})
    await redis.xadd(STREAM, {"data": "{not json"})
    await redis.xadd(STREAM, {"data": message("a", task="unknown_task")})
    await redis.xadd(STREAM, {"data": message()})
    await worker.ring("a")
    await queue.outcome("a")


async def test_dead_consumers_that_hold_nothing_are_removed(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    await redis.xgroup_createconsumer(STREAM, GROUP, "dead")
    await redis.xadd(STREAM, {"data": "held"})
    await redis.xreadgroup(GROUP, "dead but holding", {STREAM: ">"})
    await redis.xadd(STREAM, {"data": "new"})
    monkeypatch.setattr(worker.broker, "DEAD_AFTER_MS", -1)
    async with listening(redis_url) as broker:
        await heard(broker)
    assert {consumer["name"] for consumer in await redis.xinfo_consumers(STREAM, GROUP)} == {
        b"dead but holding",
        b"worker-of-test",
    }


async def test_live_consumers_stay(redis_url: str, redis: Redis) -> None:
    await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    await redis.xgroup_createconsumer(STREAM, GROUP, "alive")
    await redis.xadd(STREAM, {"data": "new"})
    async with listening(redis_url) as broker:
        await heard(broker)
    assert b"alive" in {consumer["name"] for consumer in await redis.xinfo_consumers(STREAM, GROUP)}


async def test_worker_starts_without_valkey_and_survives_its_loss(
    queue: TriageStub, ai: AnalysisStub, tmp_path: Path
) -> None:
    valkey = Valkey(tmp_path / "valkey", free_ports(), "secret")
    async with (
        Redis.from_url(valkey.url) as redis,
        running(settings_for(queue, ai, valkey.url), queue, redis) as worker,
    ):
        await queue.until(lambda stub: len(stub.heartbeats) > 0)
        for inquiry_id in ("a", "b"):
            async with running_process(valkey.process(), tmp_path):
                await redis.connection_pool.disconnect()
                await worker.ring(inquiry_id)
                await queue.outcome(inquiry_id)
            for file in sorted(valkey.folder.rglob("*"), reverse=True):  # replaced by an empty one
                file.rmdir() if file.is_dir() else file.unlink()
