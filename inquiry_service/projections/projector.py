"""The one mechanism behind all projections: position, batch, resume."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn, Protocol

import structlog

from inquiry_service.storage import event_log
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.event_log import LoggedEvent
from runtime.rpc.errors import Unavailable

log = structlog.get_logger(__name__)

BATCH = 200
"""Events in one transaction: few enough that it is over long before a statement times out."""

POLL_SECONDS = 0.25
ELSEWHERE_SECONDS = 1.0
"""Until this replica looks again whether another one still does the work."""

TROUBLED_SECONDS = 1.0
LEISURE = 3.0
"""Rest as a multiple of the work: where more comes in than the machine can bear, intake goes first and this lags."""

LONGEST_REST_SECONDS = 1.0


class Projection(Protocol):
    """What a projection makes of events."""

    @property
    def name(self) -> str:
        """Under which its position is kept."""

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        """Write what follows from these events, in the transaction that also moves the position."""


class Projector:
    """Feeds one projection with the log, each event once and in order; one replica at a time does it."""

    def __init__(self, database: Database, projection: Projection) -> None:
        self._database = database
        self._projection = projection

    async def run(self) -> NoReturn:
        """Follow the log until cancelled; what fails is tried again from the same position."""
        loop = asyncio.get_running_loop()
        troubled = False
        prepared = False
        while True:
            try:
                if not prepared:
                    await event_log.prepare(self._database, self._projection.name)
                    prepared = True
                began = loop.time()
                pause = await self.advance()
                pause = max(pause, min(LONGEST_REST_SECONDS, LEISURE * (loop.time() - began)))
                troubled = False
            except Unavailable as error:
                if not troubled:
                    log.warning("projection_waits", name=self._projection.name, reason=error.reason)
                troubled, pause = True, TROUBLED_SECONDS
            except Exception as error:
                # Also a defect: it must not stop the service for what is only derived.
                if not troubled:
                    log.error("projection_stalled", name=self._projection.name, exc_info=error)
                troubled, pause = True, TROUBLED_SECONDS
            await asyncio.sleep(pause)

    async def advance(self) -> float:
        """Apply one batch; returns the seconds to wait before the next."""
        # Looked at without the lock first: it costs a transaction id and a write, several times a second for nothing.
        if await event_log.position_of(self._database, self._projection.name) >= await event_log.end(self._database):
            return POLL_SECONDS
        async with self._database.transaction() as connection:
            position = await event_log.hold(connection, self._projection.name)
            if position is None:
                return ELSEWHERE_SECONDS
            events = await event_log.after(connection, position, BATCH)
            if not events:
                return POLL_SECONDS
            await self._projection.apply(connection, events)
            await event_log.move(connection, self._projection.name, events[-1].position)
        return 0.0 if len(events) == BATCH else POLL_SECONDS
