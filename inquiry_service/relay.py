"""The relay rings the doorbell after commit: ids from memory to the stream, in pipelined batches, no row lock held."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import structlog
from redis.asyncio import Redis

from inquiry_service.counters import RINGS, RINGS_DROPPED
from inquiry_service.storage import doorbells
from inquiry_service.storage.database import Database
from runtime import doorbell
from runtime.doorbell import Origin
from runtime.rpc.errors import RpcError
from runtime.valkey import AWAY

log = structlog.get_logger(__name__)

BATCH = 200
# More than the stream keeps makes no sense to hold; the sweeper rings what does not fit.
MOST_WAITING = doorbell.MAX_LENGTH
TIMEOUT_SECONDS = 2.0
RETRY_SECONDS = 0.5


Ring = tuple[UUID, Origin]


class Relay:
    """Rings for new work. A ring that fails is dropped: the sweeper rings for every due job again."""

    def __init__(self, redis_url: str, database: Database) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, health_check_interval=30
        )
        self._database = database
        self._waiting: asyncio.Queue[Ring] = asyncio.Queue(MOST_WAITING)

    def ring(self, inquiry_id: UUID) -> None:
        """Ring soon; never blocks and never fails."""
        if self._waiting.full():
            RINGS_DROPPED.inc()
        else:
            self._waiting.put_nowait((inquiry_id, Origin.here()))

    async def ring_now(self, rings: Iterable[Ring]) -> None:
        """Write doorbells to the stream in one round trip. Raises what is in AWAY."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for inquiry_id, origin in rings:
                pipeline.xadd(
                    doorbell.STREAM,
                    {"data": doorbell.message(inquiry_id, origin)},
                    maxlen=doorbell.MAX_LENGTH,
                    approximate=True,
                )
            await pipeline.execute()

    async def run(self) -> None:
        """Relay until cancelled."""
        lost = False
        while True:
            batch = await self._batch()
            try:
                await self.ring_now(batch)
                RINGS.labels("relay").inc(len(batch))
                if lost:
                    await doorbells.forget_rings(self._database)
                    lost = False
            except (RpcError, *AWAY) as error:
                if not lost:
                    log.warning("doorbell_unreachable", cause=type(error).__name__)
                lost = True
                RINGS_DROPPED.inc(len(batch))
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _batch(self) -> list[Ring]:
        batch = [await self._waiting.get()]
        while len(batch) < BATCH and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch
