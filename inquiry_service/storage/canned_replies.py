"""Queries on canned replies."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

_COLUMNS = "id, title, body, language, category, create_time, update_time, version"

_LIST = Statement(
    f"""select {_COLUMNS} from canned_reply
    where (cast(:language as text) is null or language = :language)
        and (cast(:category as text) is null or category is null or category = :category)
    order by language, lower(title), id limit :most"""
)
_BY_ID = Statement(f"select {_COLUMNS} from canned_reply where id = :id")
_LOCK = Statement(f"select {_COLUMNS} from canned_reply where id = :id for update")
_ADD = Statement(
    f"""insert into canned_reply (title, body, language, category)
    select cast(:title as text), :body, :language, :category
    where (select count(*) from canned_reply) < :most returning {_COLUMNS}"""
)
_UPDATE = Statement(
    f"""update canned_reply set title = :title, body = :body, language = :language, category = :category,
        update_time = now(), version = version + 1 where id = :id returning {_COLUMNS}"""
)
_DELETE = Statement("delete from canned_reply where id = :id returning id")


class TitleTakenError(Exception):
    """There is a canned reply with this title in this language."""


class CannedReply(msgspec.Struct, frozen=True):
    """A reply that agents insert; `category` None = for any."""

    id: UUID
    title: str
    body: str
    language: str
    category: str | None
    create_time: datetime
    update_time: datetime
    version: int


async def list_(database: Database, *, language: str | None, category: str | None, most: int) -> list[CannedReply]:
    """By language and title; of a category, also those for any."""
    rows = await database.fetch(_LIST, language=language, category=category, most=most)
    return [CannedReply(**dict(row)) for row in rows]


async def by_id(database: Database, id_: UUID) -> CannedReply | None:
    """One of them."""
    row = await database.row(_BY_ID, id=id_)
    return CannedReply(**dict(row)) if row else None


async def lock(connection: Connection, id_: UUID) -> CannedReply | None:
    """One of them, locked until the transaction ends."""
    row = await connection.row(_LOCK, id=id_)
    return CannedReply(**dict(row)) if row else None


async def add(connection: Connection, values: dict[str, Any], *, most: int) -> CannedReply | None:
    """Store a new one; None when there are `most` already. Raises TitleTakenError."""
    return await _write(connection, _ADD, {**values, "most": most})


async def update(connection: Connection, values: dict[str, Any]) -> CannedReply | None:
    """Write the new values of a locked one. Raises TitleTakenError."""
    return await _write(connection, _UPDATE, values)


async def delete(connection: Connection, id_: UUID) -> bool:
    """Remove one; False where there is none."""
    return await connection.row(_DELETE, id=id_) is not None


async def _write(connection: Connection, statement: Statement, values: dict[str, Any]) -> CannedReply | None:
    try:
        row = await connection.row(statement, **values)
    except asyncpg.UniqueViolationError:
        raise TitleTakenError from None
    return CannedReply(**dict(row)) if row else None
