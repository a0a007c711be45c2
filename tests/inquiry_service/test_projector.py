"""A projection gets each event once and in order, whoever runs it and whatever stops it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import asyncpg
import pytest

from inquiry_service.projections.projector import BATCH, Projector
from inquiry_service.storage import event_log
from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.event_log import LoggedEvent
from runtime import process
from tests.support.events import has_read_all, until, write_events
from tests.support.servers import PostgresServer

NOTE = Statement("insert into seen (number) values (:number)")


class Noting:
    """Notes the number of each event; fails once or waits at the end of a batch where a test wants it."""

    name = "noting"

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.applied = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def apply(self, connection: Connection, events: Sequence[LoggedEvent]) -> None:
        for event in events:
            await connection.row(NOTE, number=event.position.number)
        failure, self.failure = self.failure, None
        if failure:
            raise failure
        self.applied.set()
        await self.go_on.wait()


@pytest.fixture
async def database(database_url: str, postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database with a table for the projection of these tests."""
    owner = await asyncpg.connect(postgres.as_owner(database_url), timeout=10)
    await owner.execute("create table seen (id bigint generated always as identity, number bigint not null)")
    await owner.execute("grant all on seen to public")
    await owner.close()
    opened = Database(database_url, 4)
    await opened.open()
    await event_log.prepare(opened, Noting.name)
    yield opened
    await opened.close()


async def seen(database: Database) -> list[int]:
    """What the projection has noted, in order."""
    return [row["number"] for row in await database.fetch(Statement("select number from seen order by id"))]


async def logged(database: Database) -> list[int]:
    """What it should note."""
    ordered = Statement("select number from event order by era, txid, number")
    return [row["number"] for row in await database.fetch(ordered)]


async def test_projection_killed_between_apply_and_commit_repeats_nothing(
    database: Database, database_url: str
) -> None:
    await write_events(database_url, transactions=9, size=5)
    killed = Noting()
    killed.go_on.clear()
    running = asyncio.create_task(Projector(database, killed).advance())
    await killed.applied.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert await seen(database) == []
    await Projector(database, Noting()).advance()
    assert await seen(database) == await logged(database)


async def test_two_replicas_apply_each_event_once(database: Database, database_url: str) -> None:
    other = Database(database_url, 4)
    await other.open()
    replicas = [asyncio.create_task(Projector(each, Noting()).run()) for each in (database, other)]
    written = await write_events(database_url, transactions=80, size=20)
    await until(lambda: has_read_all(database, Noting.name))
    for replica in replicas:
        await process.end(replica)
    await other.close()
    assert set(Counter(await seen(database)).values()) == {1}
    assert set(await seen(database)) == written


async def test_second_replica_leaves_a_projection_alone_while_the_first_works_on_it(
    database: Database, database_url: str
) -> None:
    await write_events(database_url, transactions=1, size=1)
    first, second = Noting(), Noting()
    first.go_on.clear()
    running = asyncio.create_task(Projector(database, first).advance())
    await first.applied.wait()
    await Projector(database, second).advance()
    assert not second.applied.is_set()
    first.go_on.set()
    await running
    assert await seen(database) == await logged(database)


@pytest.mark.parametrize("failure", [asyncpg.DataError("no number"), KeyError("a defect")])
async def test_projection_that_fails_is_tried_again_from_the_same_position(
    database: Database, database_url: str, failure: Exception
) -> None:
    await write_events(database_url, transactions=9, size=5)
    failing = Noting()
    failing.failure = failure
    running = asyncio.create_task(Projector(database, failing).run())
    await until(lambda: has_read_all(database, Noting.name))
    await process.end(running)
    assert failing.failure is None
    assert await seen(database) == await logged(database)


async def test_projection_goes_on_where_it_was(database: Database, database_url: str) -> None:
    await write_events(database_url, transactions=8, size=BATCH)
    for _ in range(3):
        await Projector(database, Noting()).advance()
    assert await seen(database) == (await logged(database))[: 3 * BATCH]


async def test_idle_projection_writes_nothing(database: Database, database_url: str) -> None:
    await write_events(database_url, transactions=1, size=1)
    projector = Projector(database, Noting())
    await projector.advance()
    row = Statement("select xmin, xmax, update_time from projection")
    before = await database.row(row)
    await projector.advance()
    assert await database.row(row) == before
