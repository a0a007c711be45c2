"""All inquiries, oldest first; and what has changed since a position of the event log."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain import audit
from inquiry_service.domain.filters import conditions
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import event_log, exporting
from inquiry_service.storage.database import Database
from inquiry_service.storage.event_log import BEGINNING, LoggedEvent, Position
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition

BATCH = 20
"""Inquiries that fit into one gRPC message of 4 MB, however long they are."""

READ = 200
"""As many are read at once."""

DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 500, 1000
LARGEST_ANSWER = 2_000_000
"""Bytes after which a page of changes ends, so that it fits into one message too."""


LOOKS = 20
LOOK_AGAIN = 0.05
"""Seconds."""


class Changed(msgspec.Struct, frozen=True):
    """Inquiries as they are now, in the order of their last change, and those that are no more."""

    inquiries: list[InquiryRecord]
    erased_ids: list[UUID]
    after: str
    end_of_stream: bool


class _Place(msgspec.Struct, frozen=True, array_like=True):
    epoch: str
    position: Position


class Exporting:
    """Exports for administrators."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        self._database = database
        self._tokens = tokens

    async def all(
        self, filters: Mapping[str, Any], query: str, principal: Principal
    ) -> AsyncIterator[list[InquiryRecord]]:
        """All that match in batches, of which the first may be empty; who exports what is recorded before.

        Raises PermissionDenied and InvalidArgument.
        """
        require_admin(principal)
        matching = conditions("staff", filters, query, principal)
        await audit.record(self._database, "inquiry.export", detail=_asked(filters, query))
        batch, after = await exporting.batch(self._database, matching, size=READ, after=None)
        if not batch:
            yield []
        while True:
            for start in range(0, len(batch), BATCH):
                yield batch[start : start + BATCH]
            if after is None:
                return
            batch, after = await exporting.batch(self._database, matching, size=READ, after=after)

    async def changes(self, after: str, size: int, principal: Principal) -> Changed:
        """What has changed since `after`, which an earlier page gave; empty = since the beginning.

        Raises PermissionDenied, InvalidArgument (BAD_PAGE_TOKEN), and FailedPrecondition (FEED_RESTARTED) when the
        position belongs to a database that was restored since.
        """
        require_admin(principal)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        epoch = (await event_log.feed(self._database)).epoch
        position = self._open(after, epoch)
        if not after:
            await audit.record(self._database, "inquiry.export", detail={"changes": True})
        events = await self._next(position, limit)
        read, found = await self._read(events)
        reached = read[-1].position if read else position
        last = {event.inquiry_id: number for number, event in enumerate(read)}
        in_order = sorted(last, key=last.__getitem__)
        return Changed(
            [found[id_] for id_ in in_order if id_ in found],
            [id_ for id_ in in_order if id_ not in found],
            self._seal(epoch, reached),
            end_of_stream=not await event_log.any_after(self._database, reached),
        )

    async def _next(self, position: Position, limit: int) -> list[LoggedEvent]:
        # What was committed a moment ago is not safe to read while a transaction that began before is still open. Who
        # asks for it waits a moment instead of being told that there is nothing.
        for _ in range(LOOKS):
            events = await event_log.after(self._database, position, limit)
            if events or not await event_log.any_after(self._database, position):
                break
            await asyncio.sleep(LOOK_AGAIN)
        return events

    async def _read(self, events: list[LoggedEvent]) -> tuple[list[LoggedEvent], dict[UUID, InquiryRecord]]:
        """As many of the events as one answer may tell of, and their inquiries as far as there are any."""
        ids = list(dict.fromkeys(event.inquiry_id for event in events))
        found: dict[UUID, InquiryRecord] = {}
        size = 0
        for start in range(0, len(ids), BATCH):
            if size > LARGEST_ANSWER:
                told = set(ids[:start])
                end = next(number for number, event in enumerate(events) if event.inquiry_id not in told)
                return events[:end], found
            batch = await exporting.by_ids(self._database, ids[start : start + BATCH])
            found |= batch
            size += sum(len(msgspec.msgpack.encode(record)) for record in batch.values())
        return events, found

    def _seal(self, epoch: str, position: Position) -> str:
        return self._tokens.seal(msgspec.msgpack.encode(_Place(epoch, position)), "changes")

    def _open(self, token: str, epoch: str) -> Position:
        if not token:
            return BEGINNING
        place = msgspec.msgpack.decode(self._tokens.open(token, "changes"), type=_Place)
        if place.epoch != epoch:
            raise FailedPrecondition(
                "The database has been restored since: begin anew, without `after`.", reason="FEED_RESTARTED"
            )
        return place.position


def _asked(filters: Mapping[str, Any], query: str) -> dict[str, Any]:
    # Tags, and what is searched for, may be anybody's name: the log says only that there were some.
    named = {name: value for name, value in filters.items() if name != "tag"}
    return {**named, "tags": len(filters.get("tag", ())), "query": bool(query)}
