"""What stands between two processes in fault tests does to their connections what it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.tcp_proxy import SLOW_SECONDS, TRICKLE_SECONDS, TcpProxy

PATIENCE = 10.0


@contextlib.asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[TcpProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1024):
                writer.write(chunk)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        proxy = TcpProxy(server.sockets[0].getsockname()[1])
        await proxy.start()
        yield proxy
        await proxy.stop()


async def said(proxy: TcpProxy, text: bytes) -> bytes:
    """What comes back over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(text)
        async with asyncio.timeout(PATIENCE):
            return await reader.readexactly(len(text))
    finally:
        writer.close()


async def test_silent_proxy_holds_everything_back_until_it_passes_again() -> None:
    async with echo_behind_proxy() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        await proxy.be("blackhole")
        writer.write(b"meanwhile")
        await proxy.holds(9)
        waiting = asyncio.create_task(reader.readexactly(9))
        new = asyncio.create_task(said(proxy, b"new"))
        await asyncio.sleep(0.05)
        assert not waiting.done() and not new.done()
        await proxy.be("pass")
        assert await asyncio.wait_for(waiting, PATIENCE) == b"meanwhile"
        assert await new == b"new"
        writer.close()


async def test_broken_connections_are_reset_and_new_ones_too() -> None:
    async with echo_behind_proxy() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        await proxy.be("reset")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await said(proxy, b"new")
        await proxy.be("pass")
        assert await said(proxy, b"again") == b"again"


async def test_slow_proxies_deliver_all_of_it_later() -> None:
    async with echo_behind_proxy() as proxy:
        loop = asyncio.get_running_loop()
        await proxy.be("slow")
        began = loop.time()
        assert await said(proxy, b"x" * 5000) == b"x" * 5000
        assert loop.time() - began >= 2 * SLOW_SECONDS  # there and back
        await proxy.be("trickle")
        began = loop.time()
        assert await said(proxy, b"x" * 512) == b"x" * 512
        assert loop.time() - began >= 3 * TRICKLE_SECONDS
