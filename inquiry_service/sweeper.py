"""The sweeper heals what doorbells and workers lose, and forgets what nobody needs any more."""

import asyncio
from uuid import UUID

import structlog

from inquiry_service.counters import LEASES_LOST, RINGS
from inquiry_service.domain.drafts import STALLED_SECONDS
from inquiry_service.domain.retry import MAX_CRASHES
from inquiry_service.relay import Relay
from inquiry_service.storage import doorbells, drafts, inquiries, knowledge, sessions, triage, workers
from inquiry_service.storage.database import Database
from runtime.doorbell import NOWHERE
from runtime.rpc.errors import RpcError
from runtime.valkey import AWAY

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
SOONEST_SECONDS = 0.02
PURGE_EVERY_SECONDS = 600.0
MOST_DOORBELLS_OUT = 1_000
# Any constant will do; it only has to be the same for every replica.
SWEEPER_LOCK = 7_065_108


class Sweeper:
    """One replica sweeps at a time, every second and whenever a retry or a lease end is due."""

    def __init__(self, database: Database, relay: Relay) -> None:
        self._database = database
        self._relay = relay
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The queue has changed: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        loop = asyncio.get_running_loop()
        purge_at = loop.time()
        troubled = False
        while True:
            try:
                pause = await self.sweep()
                if loop.time() >= purge_at:
                    await inquiries.purge_idempotency_keys(self._database)
                    await sessions.purge(self._database)
                    await knowledge.prune(self._database)
                    await workers.purge(self._database)
                    purge_at = loop.time() + PURGE_EVERY_SECONDS
                troubled = False
            except (RpcError, *AWAY) as error:
                if not troubled:
                    log.warning("sweep_failed", cause=type(error).__name__)
                troubled, pause = True, EVERY_SECONDS
            await self._sleep(pause)

    async def sweep(self) -> float:
        """Give up stalled drafts, take back ended leases, then ring for due jobs; returns seconds until the next sweep.

        Jobs are marked as rung and committed before the doorbell rings, so that no lock waits for the stream.
        """
        async with self._database.transaction() as connection:
            if not await triage.try_lead(connection, SWEEPER_LOCK):
                return EVERY_SECONDS
            await drafts.expire(connection, STALLED_SECONDS)
            lost = await doorbells.expire_leases(connection, MAX_CRASHES)
            if lost:  # whoever held them may have died with doorbells in hand
                await doorbells.forget_rings(connection)
            due: list[UUID] = await doorbells.ring_due(connection, MOST_DOORBELLS_OUT)
            next_due = await doorbells.seconds_to_next(connection)
        if lost:
            log.warning("leases_lost", count=len(lost))
            LEASES_LOST.inc(len(lost))
        if due:
            await self._relay.ring_now((inquiry_id, NOWHERE) for inquiry_id in due)
            RINGS.labels("sweeper").inc(len(due))
        return min(EVERY_SECONDS, max(SOONEST_SECONDS, EVERY_SECONDS if next_due is None else next_due))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()
