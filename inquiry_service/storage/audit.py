"""Queries on the audit log: append only."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Database, Row, Statement

_APPEND = Statement(
    """insert into audit (action, outcome, actor_id, target, address, request_id, detail)
    values (:action, :outcome, :actor_id, :target, :address, :request_id, :detail) returning number"""
)
_PAGE = Statement(
    """select number, create_time, action, outcome, actor_id, target, address, request_id, detail from audit
    where (cast(:before as bigint) is null or number < :before)
        and (cast(:actions as text[]) = '{}' or action = any(:actions))
        and (cast(:actor_id as uuid) is null or actor_id = :actor_id)
        and (cast(:target as text) = '' or target = :target)
        and (cast(:outcome as text) = '' or outcome = :outcome)
        and (cast(:since as timestamptz) is null or create_time >= :since)
        and (cast(:until as timestamptz) is null or create_time < :until)
    order by number desc limit :size"""
)


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; empty and None leave nothing out. Not before `since`, before `until`."""

    actions: list[str] = []
    actor_id: UUID | None = None
    target: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


class AuditRecord(msgspec.Struct, frozen=True):
    """One entry."""

    number: int
    create_time: datetime
    action: str
    outcome: str
    actor_id: UUID | None
    target: str
    address: str
    request_id: str
    detail: dict[str, Any]


class Writer(Protocol):
    """The database, or a transaction on it: then the entry stands or falls with the rest."""

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement."""


async def append(writer: Writer, values: dict[str, Any]) -> None:
    """Add an entry."""
    await writer.row(_APPEND, **values)


async def page(database: Database, filter_: AuditFilter, *, before: int | None, size: int) -> list[AuditRecord]:
    """The newest entries that match and are older than the one numbered `before`."""
    values = msgspec.structs.asdict(filter_)
    return [AuditRecord(**dict(row)) for row in await database.fetch(_PAGE, **values, before=before, size=size)]
