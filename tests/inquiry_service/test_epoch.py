"""A restored database begins a new era: its events come after all those from before, under another epoch."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from inquiry_service.migrations import run
from inquiry_service.storage import event_log, knowledge
from inquiry_service.storage.database import Database
from inquiry_service.storage.event_log import BEGINNING
from tests.support.events import write_events
from tests.support.servers import PostgresServer

# As after a restore into another cluster, whose transaction ids begin anew.
RESTORED = ("update feed set system_identifier = system_identifier + 1", "update event set txid = '999999999999'")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, 2)
    await opened.open()
    yield opened
    await opened.close()


async def migrate(postgres: PostgresServer, url: str) -> None:
    await asyncio.to_thread(run.upgrade, postgres.as_owner(url), url)


async def restore(postgres: PostgresServer, url: str) -> None:
    owner = await asyncpg.connect(postgres.as_owner(url), timeout=10)
    for statement in RESTORED:
        await owner.execute(statement)
    await owner.close()


async def test_events_after_a_restore_come_after_those_from_before(
    database: Database, database_url: str, postgres: PostgresServer
) -> None:
    before = await write_events(database_url, transactions=8, size=2)
    known = await event_log.feed(database)
    await restore(postgres, database_url)
    await migrate(postgres, database_url)
    assert (await event_log.end(database)).era == known.era
    after = await write_events(database_url, transactions=8, size=2)
    feed = await event_log.feed(database)
    assert (feed.era, feed.epoch != known.epoch) == (known.era + 1, True)
    events = await event_log.after(database, BEGINNING, 100)
    assert [event.position.era for event in events] == [known.era] * len(before) + [feed.era] * len(after)
    assert {event.position.number for event in events[len(before) :]} == after
    assert await event_log.end(database) == events[-1].position


async def test_projection_goes_on_after_a_restore(
    database: Database, database_url: str, postgres: PostgresServer
) -> None:
    await write_events(database_url, transactions=8, size=2)
    await restore(postgres, database_url)
    await migrate(postgres, database_url)
    position = await event_log.end(database)
    written = await write_events(database_url, transactions=8, size=2)
    assert {event.position.number for event in await event_log.after(database, position, 100)} == written


async def test_migrating_again_keeps_the_era(database: Database, database_url: str, postgres: PostgresServer) -> None:
    known = await event_log.feed(database)
    await migrate(postgres, database_url)
    assert await event_log.feed(database) == known


async def test_what_the_ai_knows_goes_on_above_all_versions_that_were_lost(
    database: Database, database_url: str, postgres: PostgresServer
) -> None:
    await restore(postgres, database_url)
    await migrate(postgres, database_url)
    first = await knowledge.state(database)
    await restore(postgres, database_url)
    await migrate(postgres, database_url)
    second = await knowledge.state(database)
    for state, before in ((first, 1_000_000), (second, first.version)):
        assert state.version == state.oldest_version > before
