"""Watching all inquiries: every event in one order, without gaps or repeats, from where the watcher was."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from inquiry_service.domain.roles import require_staff
from inquiry_service.projections.live import Tail
from inquiry_service.storage import live
from inquiry_service.storage.database import Database
from inquiry_service.storage.event_log import BEGINNING, Position
from inquiry_service.storage.live import LiveRecord
from runtime.rpc.context import Principal

HEARTBEAT_SECONDS = 5.0
BATCH = 500

EPOCH, RETENTION = "epoch", "retention"
_TOKEN = re.compile(r"([0-9a-f]{1,16})-(\d{1,4})-(\d{1,18})-(\d{1,18})", re.ASCII)


class News(NamedTuple):
    """Some events; or, with a reason to `resync`, that some cannot be had; or nothing, to say that the feed is alive.

    With it the watcher has everything up to `position`.
    """

    position: str
    records: Sequence[LiveRecord] = ()
    resync: str = ""


class Watching:
    """Lets staff watch."""

    def __init__(self, database: Database, tail: Tail) -> None:
        self._database = database
        self._tail = tail

    async def watch(self, after: str, principal: Principal) -> AsyncIterator[News]:
        """What follows the position `after`, or from now on if it is empty, until the service stops.

        Raises PermissionDenied, and Unavailable while the log cannot be read.
        """
        require_staff(principal)
        tail = self._tail
        await tail.started()
        breaks = tail.breaks
        position, resync = await self._begin(after)
        yield News(self.token(position), resync=resync)
        while not tail.stopped:
            # Memory alone is not enough for who comes late or reads slowly: pages lead up to it.
            records = tail.after(position, BATCH)
            if records is None:
                records = await live.after(self._database, position, BATCH)
            if tail.breaks != breaks:
                breaks, position = tail.breaks, tail.end
                yield News(self.token(position), resync=EPOCH)
            elif records:
                position = records[-1].position
                yield News(self.token(position), records)
            elif not await tail.changed(HEARTBEAT_SECONDS):
                yield News(self.token(position))

    def token(self, position: Position) -> str:
        """How clients know a position."""
        return position.token(self._tail.epoch)

    async def _begin(self, after: str) -> tuple[Position, str]:
        """Where to begin, and why that is not where the watcher was."""
        if not after:
            return self._tail.end, ""
        match = _TOKEN.fullmatch(after)
        if match is None or match[1] != self._tail.epoch:
            return self._tail.end, EPOCH
        position = Position(int(match[2]), int(match[3]), int(match[4]))
        if position == BEGINNING:
            return position, ""
        # Positions are those of events, so that one without its event is of a log that has lost it.
        found = await live.known(self._database, position)
        if found.known:
            return position, ""
        return self._tail.end, EPOCH if found.older else RETENTION
