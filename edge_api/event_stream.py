"""Server-sent events to one browser, until the browser, its token or its session is gone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from edge_api import sse
from edge_api.attendance import Attendance
from edge_api.backend import Backend
from edge_api.live import Feed, FellBehindError, Watcher
from edge_api.presence import gone
from runtime import process
from runtime.rpc.errors import RpcError


class Live:
    """The live feed and who gets it."""

    def __init__(self, backend: Backend) -> None:
        self._feed = Feed(backend)
        self._attendance = Attendance(backend)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Follow the inquiry service; streams end when the process is asked to."""
        tasks = [asyncio.create_task(work) for work in (self._feed.run(), self._feed.beat(), self._attendance.run())]
        with _at_termination(self._feed.stop):
            yield
        for task in tasks:
            await process.end(task)

    async def stream(self, after: str, session_id: str, seconds: float) -> "EventStream":
        """What follows a position, or what comes from now on if it is empty. Raises RpcError while there is no feed."""
        return EventStream(await Watcher.begin(self._feed, after), session_id, self._attendance, seconds)


class EventStream(Stream):
    """What a watcher gets, for at most `seconds`, while its session is attended to.

    Litestar's own streams keep a task group per client and cannot be ended while they wait for a browser to read.
    """

    def __init__(self, watcher: Watcher, session_id: str, attendance: Attendance, seconds: float) -> None:
        super().__init__([], media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
        self._watcher = watcher
        self._session_id = session_id
        self._attendance = attendance
        self._seconds = seconds

    def to_asgi_response(self, *_arguments: Any, **_options: Any) -> ASGIResponse:
        """The answer."""
        return _Events(self._send)

    async def _send(self, send: Send, receive: Receive) -> None:
        watcher = self._watcher
        leaving = asyncio.create_task(gone(receive))
        leaving.add_done_callback(lambda _: watcher.end())
        self._attendance.enter(self._session_id, watcher)
        idle = True
        try:
            async with asyncio.timeout(self._seconds) as watcher.limit:
                while True:
                    frames = await watcher.next()
                    idle = False
                    await send({"type": "http.response.body", "body": frames, "more_body": True})
                    idle = True
        except (TimeoutError, FellBehindError, RpcError):
            pass  # the browser comes back with the position of the last event that it has
        finally:
            watcher.limit = None
            self._attendance.leave(self._session_id, watcher)
            listening = leaving.cancel()
            await watcher.leave()
        if idle and listening:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Events(ASGIResponse):
    __slots__ = ("_send",)

    _should_set_content_length = False

    def __init__(self, send: Callable[[Send, Receive], Awaitable[None]]) -> None:
        super().__init__(headers=sse.HEADERS, media_type=sse.MEDIA_TYPE)
        self._send = send

    async def send_body(self, send: Send, receive: Receive) -> None:
        await self._send(send, receive)


@contextmanager
def _at_termination(act: Callable[[], None]) -> Iterator[None]:
    """Have `act` called on SIGTERM as well.

    The server has a handler of its own, which waits for all answers to end, and streams would not. Its loop hears of
    signals by a file descriptor, so that the handler of Python's is free.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)

    def handle(number: int, stack: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        if callable(before):
            before(number, stack)

    signal.signal(signal.SIGTERM, handle)
    yield
    signal.signal(signal.SIGTERM, before)
