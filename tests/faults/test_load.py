"""Customers that write many inquiries notice what a fault test must not sleep through."""

import asyncio
import random

import pytest

from tests.support.load import Load

PATIENCE = 20.0


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops")
    await writer.drain()
    writer.close()


async def test_answer_that_is_not_allowed_ends_waiting_for_acknowledged_inquiries() -> None:
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        load = Load(f"http://127.0.0.1:{port}", random.Random(1), at_once=2)
        creating = asyncio.create_task(load.create(10))
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(AssertionError, match="answered 500: oops"):
                await load.reached(5)
        with pytest.raises(ExceptionGroup):
            await creating
