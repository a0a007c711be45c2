"""A running worker between a queue and an AI service that tests control."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from runtime import doorbell
from runtime.settings import Secret
from tests.support.analysis_stub import AnalysisStub
from tests.support.tokens import TOKENS
from tests.support.triage_stub import TriageStub
from worker.__main__ import work
from worker.settings import WorkerSettings


@pytest.fixture
async def queue() -> AsyncIterator[TriageStub]:
    stub = TriageStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def ai() -> AsyncIterator[AnalysisStub]:
    stub = AnalysisStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


class Running:
    """A worker in this process and the doorbells that it hears."""

    def __init__(self, settings: WorkerSettings, queue: TriageStub, redis: Redis) -> None:
        self.settings = settings
        self.stop = asyncio.Event()
        self._queue = queue
        self._redis = redis

    async def ring(self, *inquiry_ids: str, alone: bool = False) -> None:
        """Make inquiries due and ring for each."""
        for inquiry_id in inquiry_ids:
            self._queue.due.add(inquiry_id)
            if alone:
                self._queue.alone.add(inquiry_id)
            await self._redis.xadd(doorbell.STREAM, {"data": message(inquiry_id)})


def message(*args: Any, task: str = doorbell.TASK) -> str:
    """A doorbell as the relay writes it."""
    return json.dumps(
        {"task_id": "t", "task_name": task, "labels": {}, "labels_types": {}, "args": list(args), "kwargs": {}}
    )


def settings_for(queue: TriageStub, ai: AnalysisStub, redis_url: str) -> WorkerSettings:
    return WorkerSettings(
        redis_url=Secret(redis_url),
        inquiry_address=queue.address,
        ai_address=ai.address,
        service_token=TOKENS["worker"],
        worker_name="worker-of-test",
    )


@asynccontextmanager
async def running(
    settings: WorkerSettings, queue: TriageStub, redis: Redis, drain: float = 20.0
) -> AsyncIterator[Running]:
    worker = Running(settings, queue, redis)
    task = asyncio.create_task(work(settings, worker.stop, drain=drain))
    try:
        yield worker
        worker.stop.set()
        await task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def worker(queue: TriageStub, ai: AnalysisStub, redis_url: str, redis: Redis) -> AsyncIterator[Running]:
    async with running(settings_for(queue, ai, redis_url), queue, redis) as worker:
        yield worker
