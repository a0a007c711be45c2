"""The live feed: each replica follows the log once and keeps what happened lately for all of its watchers."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import NoReturn

import asyncpg
import structlog

from inquiry_service.storage import live
from inquiry_service.storage.database import Database
from inquiry_service.storage.event_log import BEGINNING, Position
from inquiry_service.storage.live import Head, LiveRecord
from runtime.rpc.errors import RpcError, Unavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.15
TROUBLED_SECONDS = 0.5
START_SECONDS = 3.0
"""How long a watcher waits for the first look at the log."""

BATCH = 500
KEPT = 4_000
"""Events in memory, at the least; who is further behind reads pages."""

_position = attrgetter("position")


class Tail:
    """The end of the log in memory. Watchers read it at their own pace, so that nobody waits for a slow one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: list[LiveRecord] = []
        self._begin = BEGINNING
        self._changed = asyncio.Event()
        self.end = BEGINNING
        """The last event in memory."""
        self.epoch = ""
        """Of the database that is being followed; empty before the first look."""
        self.breaks = 0
        """How often the log has become another one, as after a restore."""
        self.stopped = False

    async def run(self) -> NoReturn:
        """Follow the log until cancelled."""
        troubled = False
        while True:
            try:
                pause = await self._advance()
                troubled = False
            except (RpcError, asyncpg.PostgresError) as error:
                if not troubled:
                    log.warning("live_feed_stalled", cause=type(error).__name__)
                troubled, pause = True, TROUBLED_SECONDS
            await asyncio.sleep(pause)

    def stop(self) -> None:
        """Let every watcher go."""
        self.stopped = True
        self._wake()

    async def started(self) -> None:
        """Return once the end of the log is known; raises Unavailable if it takes too long."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not self.epoch and not self.stopped:
                    await self._changed.wait()
        except TimeoutError:
            raise Unavailable("The event log cannot be read at the moment.", retry_delay=1.0) from None

    async def changed(self, seconds: float) -> bool:
        """Wait for something new; False after so many seconds without."""
        try:
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        except TimeoutError:
            return False

    def after(self, position: Position, size: int) -> Sequence[LiveRecord] | None:
        """What is in memory after a position, oldest first; None if something is missing in between."""
        if position < self._begin:
            return None
        first = bisect_right(self._recent, position, key=_position)
        return self._recent[first : first + size]

    async def _advance(self) -> float:
        head = await live.head(self._database)
        if head.epoch != self.epoch or head.end < self.end:
            self._begin_anew(head)
        elif head.end > self.end:
            records = await live.after(self._database, self.end, BATCH)
            self._keep(records)
            return 0.0 if len(records) == BATCH else POLL_SECONDS
        return POLL_SECONDS

    def _begin_anew(self, head: Head) -> None:
        if self.epoch:
            self.breaks += 1
            log.warning("event_log_replaced", epoch=head.epoch)
        self._recent.clear()
        self._begin = self.end = head.end
        self.epoch = head.epoch
        self._wake()

    def _keep(self, records: Sequence[LiveRecord]) -> None:
        if not records:
            return
        self._recent += records
        self.end = records[-1].position
        surplus = len(self._recent) - KEPT
        if surplus >= KEPT:  # seldom, since it moves all that stays
            self._begin = self._recent[surplus - 1].position
            del self._recent[:surplus]
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
