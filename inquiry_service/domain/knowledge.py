"""What the AI learns from people: which changes teach it something, and the log of that as AI processes follow it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage import knowledge
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.knowledge import BEFORE_ALL, DecisionRecord
from inquiry_service.storage.records import InquiryRecord

POLL_SECONDS = 0.15
"""How often a stream looks: an analysis that names a version waits 0.3 s for the AI process to have it."""

PART = 500


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed up to `version`; after `reset` everything held before is void. `more`: it goes on."""

    version: int
    decisions: Sequence[DecisionRecord]
    forgotten: Sequence[UUID]
    more: bool
    reset: bool


class KnowledgeLog:
    """Lets AI processes follow; they end with `stopping`."""

    def __init__(self, database: Database, stopping: asyncio.Event) -> None:
        self._database = database
        self._stopping = stopping

    async def watch(self, held: int) -> AsyncIterator[News]:
        """Everything that somebody who holds a version, or none (0), has to know, and then what changes.

        Raises Unavailable.
        """
        while not self._stopping.is_set():
            state = await knowledge.state(self._database)
            # After a restore versions go on above all that there ever were, and the log reaches back no further.
            anew = not state.oldest_version <= held <= state.version or not held
            if anew or held < state.version:
                async for news in self._until(state.version, 0 if anew else held):
                    yield news
                held = state.version
            await self._pause()

    async def _until(self, version: int, held: int) -> AsyncIterator[News]:
        place, more = (held, _LAST if held else BEFORE_ALL), True
        first = True
        while more:
            rows = await knowledge.changed(self._database, place, version, PART + 1, forgotten=bool(held))
            part, more = rows[:PART], len(rows) > PART
            yield News(
                version=version,
                decisions=[row for row in part if row.category and row.embedding],
                forgotten=[row.inquiry_id for row in part if not row.category],
                more=more,
                reset=first and not held,
            )
            first = False
            if more:
                place = (part[-1].version, part[-1].inquiry_id)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._stopping.wait()
        except TimeoutError:
            return


_LAST = UUID(int=2**128 - 1)
"""Behind every decision of a version."""


async def learn(connection: Connection, after: InquiryRecord, changes: Mapping[str, Any], *, bulk: bool) -> None:
    """Keep what a person's change of a locked inquiry teaches.

    A category that was set or confirmed is an example; not in bulk, where nobody has looked at each for itself, not
    once it was taken back, and not while it is spam.
    """
    spam = after.status == "spam"
    if "category" in changes:
        if after.category and not bulk:
            await knowledge.decide(connection, after.id, after.category, spam=spam)
        else:
            await knowledge.forget(connection, [after.id])
    elif "spam" in changes.get("status", ()):
        await knowledge.set_spam(connection, after.id, spam=spam)
