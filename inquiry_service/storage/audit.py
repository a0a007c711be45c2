"""Queries on the audit log: append only."""

from typing import Any, Protocol

from inquiry_service.storage.database import Row, Statement

_APPEND = Statement(
    """insert into audit (action, outcome, actor_id, target, address, request_id, detail)
    values (:action, :outcome, :actor_id, :target, :address, :request_id, :detail) returning number"""
)


class Writer(Protocol):
    """The database, or a transaction on it: then the entry stands or falls with the rest."""

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement."""


async def append(writer: Writer, values: dict[str, Any]) -> None:
    """Add an entry."""
    await writer.row(_APPEND, **values)
