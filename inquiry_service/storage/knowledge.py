"""Queries on what the AI service needs to know."""

from inquiry_service.storage.database import Database, Statement
from inquiry_service.storage.records import Category

_VERSION = Statement("select version from knowledge")
_CATEGORIES = Statement(
    "select key, name_es, name_en, description, examples from category where active order by position, key"
)


async def version(database: Database) -> int:
    """The current knowledge version."""
    row = await database.row(_VERSION)
    return row["version"] if row else 0


async def categories(database: Database) -> list[Category]:
    """All active categories in display order."""
    return [Category(**dict(row)) for row in await database.fetch(_CATEGORIES)]
