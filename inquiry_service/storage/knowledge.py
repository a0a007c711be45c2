"""Queries on what the AI service needs to know."""

from inquiry_service.storage.database import Connection, Database, Statement

_VERSION = Statement("select version from knowledge")
_RAISE = Statement("update knowledge set version = version + 1 returning version")


async def version(database: Database) -> int:
    """The current knowledge version."""
    row = await database.row(_VERSION)
    return row["version"] if row else 0


async def raise_version(connection: Connection) -> None:
    """AI processes must learn of what this transaction changes; others that do the same wait for its end."""
    await connection.row(_RAISE)
