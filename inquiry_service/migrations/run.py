"""Bring a database to the newest schema."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "versions"
CONNECT_SECONDS = 10


def config(database_url: str) -> "Config":
    """Alembic's configuration for one database."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(VERSIONS.parent))
    settings.attributes["database_url"] = database_url
    return settings


def upgrade(database_url: str) -> None:
    """Run what is missing, one migrator at a time. It runs an event loop of its own."""
    if asyncio.run(_revision(database_url)) == _newest():
        return
    from alembic import command  # takes as long to import as all the rest of a start; needed for a change only

    command.upgrade(config(database_url), "head")


def _newest() -> str:
    """The last revision: files are numbered in the order in which they run (a test holds alembic to it)."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


async def _revision(database_url: str) -> str | None:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", "", 1), timeout=CONNECT_SECONDS)
    try:
        revision: str | None = await connection.fetchval("select version_num from alembic_version", timeout=10)
    except asyncpg.UndefinedTableError:
        revision = None
    finally:
        await connection.close()
    return revision
