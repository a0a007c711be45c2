"""Queries on the settings that admins have changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

_ALL = Statement("select key, value, updater_id, update_time from setting")
_SET = Statement(
    """insert into setting (key, value, updater_id) values (:key, coalesce(cast(:value as jsonb), 'null'), :updater_id)
    on conflict (key) do update
    set value = excluded.value, updater_id = excluded.updater_id, update_time = now()"""
)
_RESET = Statement("delete from setting where key = :key")


class SettingRecord(msgspec.Struct, frozen=True):
    """What an admin has set."""

    key: str
    value: Any
    updater_id: UUID | None
    update_time: datetime


async def all_(reader: Database | Connection) -> dict[str, SettingRecord]:
    """Everything that was set, by key."""
    return {row["key"]: SettingRecord(**dict(row)) for row in await reader.fetch(_ALL)}


async def set_(connection: Connection, key: str, value: Any, updater_id: UUID | None) -> None:
    """Keep a value."""
    await connection.row(_SET, key=key, value=value, updater_id=updater_id)


async def reset(connection: Connection, key: str) -> None:
    """Forget a value."""
    await connection.row(_RESET, key=key)
