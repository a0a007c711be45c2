"""Whether the client is still there: what takes long ends when nobody waits for it any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from litestar.types import Receive

from runtime.rpc.errors import Unavailable

T = TypeVar("T")


async def gone(receive: Receive) -> None:
    """Return when the client has gone away. Only for a request whose body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_present(receive: Receive, work: Awaitable[T]) -> T:
    """What `work` returns; it is cancelled, down to the last service behind it, when the client goes away."""
    working, leaving = asyncio.ensure_future(work), asyncio.create_task(gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Unavailable("Nobody waits for the answer.", reason="CLIENT_GONE")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
