"""Writers of events, as many at once as a test wants, and waiting for what follows from them."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg

from inquiry_service.storage.database import Database, Statement

WRITERS = 8
_WRITE = """insert into event (inquiry_id, version, kind, actor)
select coalesce($1, gen_random_uuid()), 1, 'inquiry_updated', 'system' from generate_series(1, $2::int)
returning number"""


# Not the log's end, which lies before what was written last while anybody, perhaps another projection, is writing.
_UNREAD = Statement(
    """select from event e left join projection p on p.name = :projection
    where p.name is null or (e.era, e.txid, e.number) > (p.era, p.txid, p.number) limit 1"""
)


async def has_read_all(database: Database, projection: str) -> bool:
    """Whether the projection has read everything that was ever logged."""
    return await database.row(_UNREAD, projection=projection) is None


async def write_events(url: str, *, transactions: int, size: int, inquiry_id: str | None = None) -> set[int]:
    """Write `transactions` × `size` events by 8 writers whose transactions end in another order than they began.

    Returns their numbers; every tenth transaction is rolled back.
    """
    written = await asyncio.gather(
        *(_write(url, range(first, transactions, WRITERS), size, inquiry_id) for first in range(WRITERS))
    )
    return set().union(*written)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Return as soon as the condition holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it is looked up where nothing can be waited for
            await asyncio.sleep(0.01)


async def _write(url: str, transactions: range, size: int, inquiry_id: str | None) -> set[int]:
    connection = await asyncpg.connect(url, timeout=10)
    numbers: set[int] = set()
    try:
        for index in transactions:
            transaction = connection.transaction()
            await transaction.start()
            rows = await connection.fetch(_WRITE, inquiry_id, size)
            await asyncio.sleep(random.random() * 0.01)  # while others begin and commit
            if index % 10 == 9:
                await transaction.rollback()
            else:
                await transaction.commit()
                numbers.update(row["number"] for row in rows)
    finally:
        await connection.close()
    return numbers
