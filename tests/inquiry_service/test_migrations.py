"""Migrations leave the tables that the code describes, twice over, and can go back."""

import asyncio
import os
import sys

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


def test_newest_file_is_the_head_that_alembic_sees() -> None:
    scripts = ScriptDirectory.from_config(run.config("postgresql://unused"))
    assert scripts.get_current_head() == run._newest()


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
