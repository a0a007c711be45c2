"""The event log is read in one order, every event once, however its writers' transactions overlap."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from inquiry_service.storage import event_log
from inquiry_service.storage.database import Database
from inquiry_service.storage.event_log import BEGINNING, LoggedEvent, Position
from tests.support.events import write_events

TRANSACTIONS, SIZE, PAGE = 450, 50, 333
ONE = "insert into event (inquiry_id, version, kind, actor) values (gen_random_uuid(), 1, $1, 'system')"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, 2)
    await opened.open()
    yield opened
    await opened.close()


async def everything(database: Database, position: Position = BEGINNING) -> list[LoggedEvent]:
    """What the log holds after a position and is safe to read."""
    events: list[LoggedEvent] = []
    while page := await event_log.after(database, events[-1].position if events else position, PAGE):
        events += page
    return events


async def test_reader_sees_every_event_of_eight_writers_once_and_in_order(
    database: Database, database_url: str
) -> None:
    writing = asyncio.create_task(write_events(database_url, transactions=TRANSACTIONS, size=SIZE))
    seen: list[LoggedEvent] = []
    finished = False
    while not finished:
        finished = writing.done()  # asked before the last look, so that nothing is written after it
        seen += await everything(database, seen[-1].position if seen else BEGINNING)
    written = await writing
    assert len(written) == TRANSACTIONS * SIZE * 9 // 10
    assert sorted(event.position.number for event in seen) == sorted(written)
    positions = [event.position for event in seen]
    assert positions == sorted(positions)
    assert positions == [event.position for event in await everything(database)]
    assert await event_log.end(database) == positions[-1]


async def test_event_waits_for_transactions_that_began_before_it(database: Database, database_url: str) -> None:
    slow = await asyncpg.connect(database_url, timeout=10)
    quick = await asyncpg.connect(database_url, timeout=10)
    async with slow.transaction():
        await slow.execute(ONE, "first")
        await quick.execute(ONE, "second")
        assert await event_log.after(database, BEGINNING, 10) == []
        assert await event_log.end(database) == BEGINNING
    assert [event.kind for event in await event_log.after(database, BEGINNING, 10)] == ["first", "second"]
    await slow.close()
    await quick.close()


async def test_page_begins_after_the_position_and_is_no_longer_than_asked(
    database: Database, database_url: str
) -> None:
    await write_events(database_url, transactions=8, size=3)
    events = await everything(database)
    page = await event_log.after(database, events[4].position, 5)
    assert [event.position for event in page] == [event.position for event in events[5:10]]


async def test_page_is_read_along_the_index(database: Database, database_url: str) -> None:
    await write_events(database_url, transactions=80, size=50)
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare page (smallint, bigint, bigint, bigint) as {event_log._AFTER.sql}")
        plan = "\n".join(row[0] for row in await connection.fetch("explain execute page (1, 0, 0, 100)"))
    finally:
        await connection.close()
    assert "ix_event_era_txid_number" in plan
    assert "Seq Scan on event" not in plan
    assert "Sort" not in plan
