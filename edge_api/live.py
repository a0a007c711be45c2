"""The live feed of this process: one watch of the inquiry service, the last events in memory, all browsers fed from it.

A browser reads at its own pace from what is in memory, which is all that may wait for it; nobody has a queue.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import structlog
from pok.inquiry.v1 import live_pb2

from edge_api import sse
from edge_api.backend import Backend
from edge_api.convert import STATUS, TRIAGE_STATE
from edge_api.metrics import WATCHERS
from edge_api.schemas.live import LiveEvent, Ready, Resync
from runtime.rpc import context
from runtime.rpc.context import Principal
from runtime.rpc.errors import RpcError, Unavailable

log = structlog.get_logger(__name__)

KEPT = 4_000
"""Events in memory, at the least."""

MAX_WATCHERS = 5_000
"""Above which new ones are turned away, so that connections are left for everything else."""

HEARTBEAT = b": still here\n\n"
HEARTBEAT_SECONDS = 15.0
SILENCE_SECONDS = 15.0
"""After which the service, which says something every 5 s, is taken for gone."""

START_SECONDS = 3.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
# The process watches for all who are let in to watch; it lets in staff only.
WATCHER = Principal(role="support")


Watch = AsyncGenerator[live_pb2.WatchInquiriesResponse, None]


class FellBehindError(Exception):
    """What the watcher would have to get next is no longer in memory."""


class Feed:
    """Follows the inquiry service from `run` on."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._frames: list[bytes] = []
        self.begin = 0
        """The cursor of who can just go on."""
        self._places: dict[str, int] = {}
        self._watchers: set[Watcher] = set()
        self._known = asyncio.Event()
        self._stopped = False
        self.position = ""
        """Up to where this process has everything; empty before the first word of the service."""
        self.beats = 0
        """Counts the times at which everybody is told that the stream is alive."""

    @property
    def end(self) -> int:
        """The number of events so far; a watcher's cursor is how many of them it has."""
        return self.begin + len(self._frames)

    def place_of(self, position: str) -> int | None:
        """The cursor of who has everything up to a position; None if what follows is not in memory."""
        return self._places.get(position)

    def after(self, cursor: int) -> bytes:
        """All that follows; raises FellBehindError."""
        if cursor < self.begin:
            raise FellBehindError
        return b"".join(self._frames[cursor - self.begin :])

    def stop(self) -> None:
        """Let every watcher go, and no one in."""
        self._stopped = True
        for watcher in self._watchers:
            watcher.end()

    async def started(self) -> None:
        """Return once the position is known; raises Unavailable if it takes too long, or no more are let in."""
        if self._stopped or len(self._watchers) >= MAX_WATCHERS:
            raise Unavailable("No more streams can be opened here at the moment.", retry_delay=5.0)
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._known.wait()
        except TimeoutError:
            raise Unavailable("The live feed has not begun yet.", retry_delay=1.0) from None

    def join(self, watcher: "Watcher") -> None:
        """Wake the watcher whenever there is something new, until it leaves."""
        self._watchers.add(watcher)
        WATCHERS.set(len(self._watchers))

    def leave(self, watcher: "Watcher") -> None:
        """Forget the watcher."""
        self._watchers.discard(watcher)
        WATCHERS.set(len(self._watchers))

    async def run(self) -> NoReturn:
        """Watch until cancelled; a watch that breaks goes on from the last position after a growing, jittered pause."""
        context.enter(context.Call(request_id=context.new_request_id(), principal=WATCHER))
        pause = FIRST_PAUSE
        while True:
            before = self.position
            try:
                async for response in self.watch(before):
                    self._take(response)
                    pause = FIRST_PAUSE
            except (RpcError, TimeoutError) as error:
                # Connections are renewed twice an hour; only a feed that cannot be opened again is worth a warning.
                say = log.info if pause == FIRST_PAUSE else log.warning
                say("live_feed_broken", cause=type(error).__name__)
            except Exception as error:
                # A defect in one event must not leave every browser without the rest.
                log.error("live_feed_failed", exc_info=error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def beat(self) -> NoReturn:
        """Have everybody told every 15 s that the stream is alive."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.beats += 1
            self._wake()

    async def watch(self, after: str) -> Watch:
        """What the service says from a position on. Raises RpcError, and TimeoutError when it has fallen silent."""
        call: Any = self._backend.live.WatchInquiries(live_pb2.WatchInquiriesRequest(after=after))
        try:
            responses = aiter(call)
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    response = await anext(responses, None)
                if response is None:
                    return
                yield response
        finally:
            call.cancel()  # without waiting: what is awaited here is cut off when a browser goes away

    def _take(self, response: live_pb2.WatchInquiriesResponse) -> None:
        if response.HasField("resync"):
            self._append(response.position, resync_frame(response.position, response))
        for event in response.events.events:
            self._append(event.position, event_frame(event))
        self.position = response.position
        self._places[self.position] = self.end
        self._known.set()
        if len(self._frames) >= 2 * KEPT:  # seldom, since it moves all that stays
            self._forget(len(self._frames) - KEPT)
        self._wake()

    def _append(self, position: str, content: bytes) -> None:
        self._frames.append(content)
        self._places[position] = self.end

    def _forget(self, count: int) -> None:
        del self._frames[:count]
        self.begin += count
        self._places = {position: place for position, place in self._places.items() if place >= self.begin}
        for watcher in self._watchers:
            if watcher.fell_behind:  # also one that waits for its browser to read, and would for ever
                watcher.end()

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.wake()


class Watcher:
    """What one browser gets, frame by frame."""

    __slots__ = ("_beats", "_catching_up", "_cursor", "_feed", "_first", "_woken", "limit")

    def __init__(self, feed: Feed, after: str, cursor: int, catching_up: Watch | None) -> None:
        self._feed = feed
        self._cursor = cursor
        self._catching_up = catching_up
        self._first = sse.event("ready", Ready(after), after)
        self._beats = feed.beats
        self._woken: asyncio.Future[None] | None = None
        self.limit: asyncio.Timeout | None = None
        """What ends the sending of what it gets."""
        feed.join(self)

    @classmethod
    async def begin(cls, feed: Feed, after: str) -> "Watcher":
        """A watcher of what follows the position `after`, or of what comes from now on if that is empty.

        Raises RpcError while the feed cannot be had.
        """
        await feed.started()
        after = after or feed.position
        place = feed.place_of(after)
        if place is not None:
            return cls(feed, after, place, None)
        responses = feed.watch(after)
        try:
            async with asyncio.timeout(START_SECONDS):
                first = await anext(responses, None)
        except TimeoutError:
            first = None
        if first is None:
            raise Unavailable("The live feed cannot be caught up with at the moment.", retry_delay=1.0)
        if not first.HasField("resync"):
            return cls(feed, after, 0, responses)
        await responses.aclose()
        watcher = cls(feed, feed.position, feed.end, None)
        watcher._first += resync_frame(feed.position, first)
        return watcher

    @property
    def fell_behind(self) -> bool:
        """Whether what it would have to get next is no longer in memory."""
        return self._catching_up is None and self._cursor < self._feed.begin

    async def next(self) -> bytes:
        """Some frames. Raises FellBehindError, and RpcError or TimeoutError while it catches up."""
        first, self._first = self._first, b""
        if first:
            return first
        while self._catching_up is not None:
            frames = await self._catch_up(self._catching_up)
            if frames:
                return frames
        while True:
            frames = self._feed.after(self._cursor)
            if frames:
                self._cursor = self._feed.end
                return frames
            if self._beats != self._feed.beats:
                self._beats = self._feed.beats
                return HEARTBEAT
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken

    def wake(self) -> None:
        """There may be something new."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def end(self) -> None:
        """Stop sending, wherever it is."""
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(0)

    async def leave(self) -> None:
        """It gets nothing more."""
        self._feed.leave(self)
        if self._catching_up is not None:
            await self._catching_up.aclose()

    async def _catch_up(self, responses: Watch) -> bytes:
        """Read on, and join the others as soon as what was read is what they have as well."""
        response = await anext(responses, None)
        if response is None:
            raise Unavailable("The feed ended before it was caught up with.")
        place = self._feed.place_of(response.position)
        if response.HasField("resync"):
            place = self._feed.end
        if place is not None:
            self._cursor = place
            self._catching_up = None
            await responses.aclose()
        if response.HasField("resync"):
            return resync_frame(self._feed.position, response)
        return b"".join(event_frame(event) for event in response.events.events)


def event_frame(event: live_pb2.LiveEvent) -> bytes:
    """An event as browsers get it."""
    content = LiveEvent(
        inquiry_id=event.inquiry_id,
        kind=event.kind,
        version=event.version,
        changed=list(event.changed),
        triage_state=TRIAGE_STATE.get(event.triage_state),
        status=STATUS.get(event.status),
        category=event.category or None,
    )
    return sse.event("inquiry", content, event.position)


def resync_frame(position: str, response: live_pb2.WatchInquiriesResponse) -> bytes:
    """The word that everything must be loaded anew, and then followed from `position` on."""
    reason = Resync("retention" if response.resync.reason == "retention" else "epoch")
    return sse.event("resync", reason, position)
