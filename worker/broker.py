"""The doorbell as the worker hears it: taskiq's Redis stream broker, taught to survive what happens to Valkey."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from taskiq_redis import RedisStreamBroker

from runtime.doorbell import GROUP, MAX_LENGTH, STREAM
from runtime.valkey import AWAY
from worker import backoff

BLOCK_MS = 2_000
TIMEOUT = 5.0
"""Seconds; longer than a blocking read, so that it ends only what waits for a dead connection."""
DEAD_AFTER_MS = 3_600_000
MOST_AT_ONCE = 8
"""Doorbells in one read, which costs hardly more than one; few enough that workers share what comes at once."""

Entry = tuple[bytes, dict[Any, Any]]
"""Of a stream: its id and its fields, as bytes."""

Streams = list[tuple[bytes, list[Entry]]]
"""What XREADGROUP answers: entries per stream; empty when nothing came in time."""

log = structlog.get_logger(__name__)


class DoorbellBroker(RedisStreamBroker):
    """Reads as many doorbells as this worker has room for and acknowledges them by reading (NOACK).

    So nothing is ever pending in Valkey, nothing waits in this process while another one is idle, and the stock
    broker's reclaiming is not needed: a doorbell that is lost with its reader is rung again from Postgres.
    `room` is awaited before each read: while it waits, doorbells stay in the stream for other workers.
    """

    def __init__(self, url: str, consumer: str, room: Callable[[], Awaitable[int]]) -> None:
        super().__init__(
            url,
            queue_name=STREAM,
            consumer_group_name=GROUP,
            consumer_name=consumer,
            consumer_id="0",
            # Off, since redis-py's way to time a command out can swallow a cancellation, and the worker would not stop;
            # `listen` has its own timeouts, tries again itself, and says so.
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=self.connection_pool)
        self._room = room

    # The stock broker yields AckableMessage; plain bytes, which every taskiq broker may yield, need no acknowledgement.
    async def listen(self) -> AsyncGenerator[bytes, None]:  # type: ignore[override]
        """Yield doorbells for ever: joins the group again after any failure, without touching tasks in flight."""
        delays = backoff.delays()
        while True:
            try:
                async with asyncio.timeout(TIMEOUT):
                    await self._join_group()
                async with aclosing(self._read()) as doorbells:
                    async for doorbell in doorbells:
                        delays = backoff.delays()
                        yield doorbell
            except AWAY as error:
                log.warning("doorbell_lost", error=type(error).__name__)
                await asyncio.sleep(next(delays))

    async def _join_group(self) -> None:
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id=self.consumer_id, mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        await self._remove_dead_consumers()
        log.info("doorbell_heard", consumer=self.consumer_name)

    async def _remove_dead_consumers(self) -> None:
        for consumer in await self._redis.xinfo_consumers(STREAM, GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > DEAD_AFTER_MS:
                await self._redis.xgroup_delconsumer(STREAM, GROUP, consumer["name"])

    async def _read(self) -> AsyncGenerator[bytes, None]:
        while True:
            count = min(await self._room(), MOST_AT_ONCE)
            async with asyncio.timeout(TIMEOUT):
                answer = await self._redis.xreadgroup(
                    GROUP, self.consumer_name, {STREAM: ">"}, count=count, block=BLOCK_MS, noack=True
                )
            heard = [entry for _, entries in cast("Streams", answer) for entry in entries]
            try:
                while heard:
                    entry_id, fields = heard.pop(0)
                    if b"data" in fields:
                        yield fields[b"data"]
                    else:
                        log.warning("doorbell_malformed", entry=entry_id.decode())
            finally:
                await self._ring_again(heard)

    async def _ring_again(self, unheeded: Iterable[Entry]) -> None:
        """What was read before this worker was stopped: others have it at once, and need not wait for the sweeper."""
        try:
            async with asyncio.timeout(TIMEOUT):
                for _, fields in unheeded:
                    await self._redis.xadd(STREAM, fields, maxlen=MAX_LENGTH, approximate=True)
        except AWAY as error:
            log.warning("doorbell_lost", error=type(error).__name__)
