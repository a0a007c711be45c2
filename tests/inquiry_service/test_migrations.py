"""Migrations leave the tables that the code describes, twice over, and can go back."""

import asyncio
import json
import os
import sys

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from inquiry_service.migrations import run
from tests.support.servers import PostgresServer


async def test_migrations_and_tables_agree(postgres: PostgresServer) -> None:
    url = await postgres.empty()

    def there_and_back() -> None:
        run.upgrade(url, url)
        run.upgrade(url, url)
        command.check(run.config(url))
        command.downgrade(run.config(url), "base")
        run.upgrade(url, url)

    await asyncio.to_thread(there_and_back)
    await postgres.drop(url)


async def test_what_people_had_decided_before_teaches_as_well(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    await asyncio.to_thread(command.upgrade, run.config(url), "0011")
    owner = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    decided = [  # category now, status, its changes: category and whether in bulk
        ("a", "open", [("b", False), ("a", False)]),
        ("b", "open", [("b", False)]),
        ("b", "open", [("a", False), ("b", True)]),
        ("a", "spam", [("a", False)]),
        (None, "open", []),
    ]
    ids = []
    for category, status, changes in decided:
        human = {"category": 2} if changes else {}
        id_ = await owner.fetchval(
            """insert into inquiry (customer_name, customer_email, subject, snippet, category, status, human_versions)
            values ('', '', '', '', $1, $2, $3) returning id""",
            *(category, status, json.dumps(human)),
        )
        ids.append(id_)
        for version, (after, bulk) in enumerate(changes, start=2):
            body = {"changes": {"category": [None, after]}} | ({"bulk": True} if bulk else {})
            await owner.execute(
                """insert into event (inquiry_id, version, kind, actor, body)
                values ($1, $2, 'inquiry_updated', 'agent', $3)""",
                *(id_, version, json.dumps(body)),
            )
    await asyncio.to_thread(run.upgrade, url, url)
    rows = await owner.fetch("select inquiry_id, category, counts, version from human_decision")
    [known] = await owner.fetch("select version from knowledge")
    await owner.close()
    await postgres.drop(url)
    assert {(row["inquiry_id"], row["category"], row["counts"]) for row in rows} == {
        (ids[0], "a", True),
        (ids[1], "b", True),
    }
    assert {row["version"] for row in rows} == {known["version"]} == {3}


def test_newest_file_is_the_head_that_alembic_sees() -> None:
    scripts = ScriptDirectory.from_config(run.config("postgresql://unused"))
    assert scripts.get_current_head() == run.newest()


async def test_migrators_that_start_together_do_not_collide(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    migrators = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "inquiry_service", "migrate", env={**os.environ, "POK_DATABASE_URL": url}
        )
        for _ in range(3)
    ]
    assert await asyncio.gather(*(migrator.wait() for migrator in migrators)) == [0, 0, 0]
    await postgres.drop(url)


LAST_LOCKING = ("0012", "0013")
"""A revision and the next one, which adds columns to a table that every create writes."""


async def test_migration_that_has_to_wait_lets_creates_pass(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    before, after = LAST_LOCKING
    await asyncio.to_thread(command.upgrade, run.config(url), before)
    reader, creator = [await asyncpg.connect(url, timeout=10) for _ in range(2)]
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("select * from triage_job")
    migrating = asyncio.create_task(asyncio.to_thread(run._migrate, url))
    async with asyncio.timeout(30):
        waiting = "select true from pg_locks where not granted and locktype = 'relation'"
        while not await creator.fetchval(waiting):  # noqa: ASYNC110 - another connection's state
            await asyncio.sleep(0.02)
    await creator.execute("insert into triage_job (inquiry_id) values (uuidv7())", timeout=20)
    assert not migrating.done()
    await reading.rollback()
    await migrating
    assert await creator.fetchval("select version_num from alembic_version") >= after
    for connection in (reader, creator):
        await connection.close()
    await postgres.drop(url)


@pytest.mark.long
async def test_migrations_that_are_killed_go_on_where_they_were(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    watching = await asyncpg.connect(url, timeout=10)

    async def revision() -> str | None:
        try:
            found: str | None = await watching.fetchval("select version_num from alembic_version")
        except asyncpg.UndefinedTableError:
            return None
        return found

    kills, status = 0, None
    while status is None:
        migrator = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "inquiry_service", "migrate"), env={**os.environ, "POK_DATABASE_URL": url}
        )
        before = await revision()
        while await revision() == before and migrator.returncode is None:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.001)
        if migrator.returncode is None and await revision() != run.newest():
            migrator.kill()
            kills += 1
            await migrator.wait()
        else:
            status = await migrator.wait()
    assert (status, await revision()) == (0, run.newest())
    assert kills > 2
    await asyncio.to_thread(command.check, run.config(url))
    await watching.close()
    await postgres.drop(url)
