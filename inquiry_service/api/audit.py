"""AuditService: the log of who did what."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from pok.inquiry.v1 import audit_pb2, audit_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.audit_reading import AuditReading
from inquiry_service.storage.audit import AuditFilter, AuditRecord
from runtime.rpc.context import principal


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, reading: AuditReading) -> None:
        self._reading = reading

    async def ListAuditEntries(
        self, request: audit_pb2.ListAuditEntriesRequest, context: Any
    ) -> audit_pb2.ListAuditEntriesResponse:
        """A page."""
        listed = await self._reading.list(_filter(request.filter), request.page_size, request.page_token, principal())
        return audit_pb2.ListAuditEntriesResponse(
            entries=map(_entry, listed.items), next_page_token=listed.next_page_token
        )

    async def ExportAuditEntries(
        self, request: audit_pb2.ExportAuditEntriesRequest, context: Any
    ) -> AsyncIterator[audit_pb2.ExportAuditEntriesResponse]:
        """Everything, batch by batch."""
        async for batch in self._reading.export(_filter(request.filter), principal()):
            yield audit_pb2.ExportAuditEntriesResponse(entries=map(_entry, batch))


def _filter(message: audit_pb2.AuditFilter) -> AuditFilter:
    return AuditFilter(
        actions=sorted(set(message.actions)),
        actor_id=convert.uuid_in("actor_id", message.actor_id) if message.actor_id else None,
        target=message.target,
        outcome=message.outcome,
        since=convert.time_in("since", message.since) if message.HasField("since") else None,
        until=convert.time_in("until", message.until) if message.HasField("until") else None,
    )


def _entry(record: AuditRecord) -> audit_pb2.AuditEntry:
    return audit_pb2.AuditEntry(
        number=record.number,
        create_time=convert.timestamp(record.create_time),
        action=record.action,
        outcome=record.outcome,
        actor_id=str(record.actor_id or ""),
        target=record.target,
        address=record.address,
        request_id=record.request_id,
        detail_json=msgspec.json.encode(record.detail).decode(),
    )
