"""Long work in small steps: erasing people, forgetting what is old. One replica at a time moves a job on."""

import asyncio
from typing import NoReturn

import asyncpg
import structlog

from inquiry_service.domain import erasing
from inquiry_service.domain.settings import Settings
from inquiry_service.storage import jobs, triage
from inquiry_service.storage.database import Database
from inquiry_service.storage.jobs import JobRecord
from runtime.rpc.errors import RpcError

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
KEPT_DAYS = 30
"""How long a job that is over can be asked for."""

HOUSEKEEPING_SECONDS = 600.0
# Any constant will do; it only has to be the same for every replica, and nobody else's.
HOUSEKEEPING_LOCK = 7_065_110


class Jobs:
    """Moves jobs on, each step a transaction of its own, and begins the ones that come by themselves."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is a new job: look at once."""
        self._woken.set()

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        housekeeping_at = loop.time()
        troubled = False
        while True:
            try:
                if loop.time() >= housekeeping_at:
                    await self.keep_house()
                    housekeeping_at = loop.time() + HOUSEKEEPING_SECONDS
                moved = await self.step()
                troubled = False
            except RpcError as error:
                if not troubled:
                    log.warning("jobs_stalled", reason=error.reason)
                troubled, moved = True, False
            if not moved:
                await self._sleep()

    async def step(self) -> bool:
        """Move one job on by one batch; False when there is nothing to do at the moment."""
        retention_days = self._settings.values.retention_days
        job: JobRecord | None = None
        try:
            async with self._database.transaction() as connection:
                job = await jobs.hold(connection)
                return job is not None and await erasing.advance(connection, job, retention_days)
        except asyncpg.PostgresError as error:  # a defect: it must not hold up the others
            if job is None:
                raise
            log.error("job_failed", id=str(job.id), kind=job.kind, cause=type(error).__name__)
            async with self._database.transaction() as connection:
                await jobs.end(connection, job.id, "failed")
            return True

    async def keep_house(self) -> None:
        """Begin what comes once a day, and forget what was over long ago."""
        days = self._settings.values.retention_days
        if days is not None:
            async with self._database.transaction() as connection:
                if await triage.try_lead(connection, HOUSEKEEPING_LOCK):
                    await erasing.begin_retention(connection, days)
        await jobs.purge(self._database, KEPT_DAYS)

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()
