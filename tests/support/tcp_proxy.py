"""A TCP proxy between two processes that can be slow, silent, or break what runs through it."""

import asyncio
import socket
import struct
from typing import Literal

Mode = Literal["pass", "slow", "trickle", "blackhole", "reset"]
"""As it comes; 200 ms later; 1 KB/s; nothing arrives any more, in either direction; every connection is reset."""

SLOW_SECONDS = 0.2
TRICKLE_BYTES = 128
TRICKLE_SECONDS = 0.125
CHUNK = 16_384
PATIENCE = 30.0
"""Seconds after which a test that waits has failed."""
MOST_WAITING = 64
"""Chunks that are read ahead of what is written, for each direction of a connection."""


class TcpProxy:
    """Listens on a free port of its own. `mode` holds for what is connected already as well."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode: Mode = "pass"
        self._changed = asyncio.Condition()
        self._held = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where to connect instead."""
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def mode(self) -> Mode:
        """What happens at present to what runs through it."""
        return self._mode

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        assert self._server
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def holds(self, count: int) -> None:
        """Wait until it holds back so many bytes in all."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self._held >= count)

    async def be(self, mode: Mode) -> None:
        """Change what happens from now on."""
        async with self._changed:
            self._mode = mode
            self._held = 0
            self._changed.notify_all()
        if mode == "reset":
            for writer in list(self._open):
                _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pump = asyncio.create_task(self._connect(reader, writer))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def _connect(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        self._open.add(to_near)
        to_far: asyncio.StreamWriter | None = None
        try:
            await self._passable()
            if self._mode == "reset":
                _reset(to_near)
                return
            far, to_far = await asyncio.open_connection("127.0.0.1", self._target)
            self._open.add(to_far)
            directions = [asyncio.create_task(self._pump(*ends)) for ends in ((near, to_far), (far, to_near))]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await asyncio.gather(*directions, return_exceptions=True)
        except OSError:
            return  # as if the proxy were not there: the target refuses
        finally:
            for writer in filter(None, (to_near, to_far)):
                self._open.discard(writer)
                writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Until either side ends."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_WAITING)
        writing = asyncio.create_task(self._write(waiting, sink))
        try:
            while chunk := await source.read(CHUNK):
                async with self._changed:
                    self._held += len(chunk) if self._mode == "blackhole" else 0
                    self._changed.notify_all()
                await waiting.put((asyncio.get_running_loop().time(), chunk))
            await waiting.put((0.0, b""))
            await writing
        except OSError:
            return
        finally:
            writing.cancel()

    async def _write(self, waiting: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter) -> None:
        while True:
            came, chunk = await waiting.get()
            await self._passable()
            if not chunk:
                return
            if self._mode == "slow":
                await asyncio.sleep(came + SLOW_SECONDS - asyncio.get_running_loop().time())
            while chunk and self._mode == "trickle":
                sink.write(chunk[:TRICKLE_BYTES])
                chunk = chunk[TRICKLE_BYTES:]
                await asyncio.sleep(TRICKLE_SECONDS)
            await self._passable()
            sink.write(chunk)
            await sink.drain()

    async def _passable(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._mode != "blackhole")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with an RST instead of an orderly end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
