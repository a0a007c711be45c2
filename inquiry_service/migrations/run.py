"""Bring a database to the newest schema."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from inquiry_service.migrations import epoch, roles

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "versions"
CONNECT_SECONDS = 10
LOCK_NOT_AVAILABLE = "55P03"
LOCK_PAUSES = (1.0,) * 60
"""Seconds between two attempts to get a lock that others hold."""


def config(owner_url: str) -> "Config":
    """Alembic's configuration for one database."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(VERSIONS.parent))
    settings.attributes["database_url"] = owner_url
    return settings


def upgrade(owner_url: str, service_url: str) -> None:
    """Run what is missing, one migrator at a time, and let the service's role use it. It runs event loops of its own.

    Raises RoleError.
    """
    if asyncio.run(_revision(owner_url)) != newest():
        _migrate(owner_url)
    asyncio.run(_settle(owner_url, service_url))


def _migrate(owner_url: str) -> None:
    # Both take as long to import as all the rest of a start, and are needed for a change only.
    from alembic import command
    from sqlalchemy.exc import DBAPIError

    for pause in (*LOCK_PAUSES, None):
        try:
            command.upgrade(config(owner_url), "head")
        except DBAPIError as error:
            if pause is None or getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            # What had to wait too long for others has let them pass, and goes on where it was.
            time.sleep(pause)
        else:
            return


async def _settle(owner_url: str, service_url: str) -> None:
    connection = await asyncpg.connect(owner_url.replace("+asyncpg", "", 1), timeout=CONNECT_SECONDS)
    try:
        await epoch.renew(connection)
        await roles.grant(connection, service_url)
    finally:
        await connection.close()


def newest() -> str:
    """The last revision: files are numbered in the order in which they run (a test holds alembic to it)."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


async def _revision(owner_url: str) -> str | None:
    connection = await asyncpg.connect(owner_url.replace("+asyncpg", "", 1), timeout=CONNECT_SECONDS)
    try:
        revision: str | None = await connection.fetchval("select version_num from alembic_version", timeout=10)
    except asyncpg.UndefinedTableError:
        revision = None
    finally:
        await connection.close()
    return revision
