"""Queries on the taxonomy."""

from collections.abc import Sequence
from typing import Any

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.records import Category

_COLUMNS = "key, name_es, name_en, description, examples, active, position, version"

_ALL = Statement(f"select {_COLUMNS} from category order by position, key")
_BY_KEY = Statement(f"select {_COLUMNS} from category where key = :key")
_ADD = Statement(
    """insert into category (key, name_es, name_en, description, examples, active, position)
    values (:key, :name_es, :name_en, :description, :examples, :active, :position)"""
)
_UPDATE = Statement(
    """update category set name_es = :name_es, name_en = :name_en, description = :description, examples = :examples,
        active = :active, version = version + 1 where key = :key"""
)
_ORDER = Statement(
    """update category c set position = o.position, version = c.version + 1
    from unnest(cast(:keys as text[])) with ordinality as o (key, position)
    where c.key = o.key and c.position <> o.position"""
)
_IN_USE = Statement("select true from inquiry where category = :key or suggested_category = :key limit 1")
_DELETE = Statement(
    """with freed as (update canned_reply set category = null, version = version + 1 where category = :key)
    delete from category where key = :key"""
)


async def all_(reader: Database | Connection) -> list[Category]:
    """Every category in display order."""
    return [Category(**dict(row)) for row in await reader.fetch(_ALL)]


async def by_key(database: Database, key: str) -> Category | None:
    """One category."""
    row = await database.row(_BY_KEY, key=key)
    return Category(**dict(row)) if row else None


async def add(connection: Connection, values: dict[str, Any]) -> None:
    """Store a new category, whose key must be free."""
    await connection.row(_ADD, **values)


async def update(connection: Connection, values: dict[str, Any]) -> None:
    """Write the new values of a category."""
    await connection.row(_UPDATE, **values)


async def order(connection: Connection, keys: Sequence[str]) -> None:
    """Number the categories from 1 on in this order."""
    await connection.row(_ORDER, keys=list(keys))


async def is_used(connection: Connection, key: str) -> bool:
    """Whether any inquiry has this category, or is suggested it."""
    return await connection.row(_IN_USE, key=key) is not None


async def delete(connection: Connection, key: str) -> None:
    """Remove a category; canned replies that belonged to it then belong to any."""
    await connection.row(_DELETE, key=key)
