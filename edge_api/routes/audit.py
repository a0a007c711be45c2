"""The audit log."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from litestar import get
from litestar.response import Stream
from msgspec import UNSET
from pok.inquiry.v1 import audit_pb2

from edge_api import tables
from edge_api.body import EdgeRequest
from edge_api.convert import time_of, timestamp_of
from edge_api.openapi import operation
from edge_api.schemas.journal import AuditEntry, AuditExportQuery, AuditFilter, AuditPage, AuditQuery, Outcome

EXPORT_SECONDS = 600.0
"""How long an export may take; what is not sent by then is cut off, noticeably."""


@get(
    "/api/audit",
    summary="Read the audit log",
    tags=["audit"],
    response_description="A page of the log.",
    **operation("list_audit_entries", 400, 401, 403),
)
async def list_audit_entries(request: EdgeRequest) -> AuditPage:
    """Who did what, when, from where, and how it ended; newest first. All filters must hold."""
    query = request.query(AuditQuery)
    response = await request.backend.audit.ListAuditEntries(
        audit_pb2.ListAuditEntriesRequest(page_size=query.page_size, page_token=query.page_token, filter=_filter(query))
    )
    return AuditPage(
        items=[_entry(entry) for entry in response.entries], next_page_token=response.next_page_token or None
    )


@get(
    "/api/audit/export",
    summary="Export the audit log",
    tags=["audit"],
    response_description="The entries, newest first, as a file.",
    **operation("export_audit_entries", 400, 401, 403),
)
async def export_audit_entries(request: EdgeRequest) -> Stream:
    """All entries that match, as CSV (UTF-8 with a byte order mark; cells that a spreadsheet would take for a formula
    begin with an apostrophe) or as JSON lines. The export is itself recorded.
    """
    query = request.query(AuditExportQuery)
    stream = request.backend.audit.ExportAuditEntries(
        audit_pb2.ExportAuditEntriesRequest(filter=_filter(query)), timeout=EXPORT_SECONDS
    )
    batches = aiter(stream)
    first = await anext(batches)  # what is refused is refused before the file begins
    name = f"pok-audit-{datetime.now(UTC):%Y-%m-%d}.{query.format}"
    return Stream(
        tables.written(query.format, AuditEntry.__struct_fields__, _rows(first, batches)),
        media_type=tables.MEDIA_TYPES[query.format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _rows(
    first: audit_pb2.ExportAuditEntriesResponse, others: AsyncIterator[audit_pb2.ExportAuditEntriesResponse]
) -> AsyncIterator[Iterable[Mapping[str, Any]]]:
    yield [msgspec.structs.asdict(_entry(entry)) for entry in first.entries]
    async for batch in others:
        yield [msgspec.structs.asdict(_entry(entry)) for entry in batch.entries]


def _filter(query: AuditFilter) -> audit_pb2.AuditFilter:
    return audit_pb2.AuditFilter(
        actions=query.action,
        actor_id=query.actor_id or "",
        target=query.target,
        outcome=query.outcome or "",
        since=None if query.since is UNSET else timestamp_of("since", query.since),
        until=None if query.until is UNSET else timestamp_of("until", query.until),
    )


def _entry(entry: audit_pb2.AuditEntry) -> AuditEntry:
    return AuditEntry(
        number=entry.number,
        create_time=time_of(entry.create_time),
        action=entry.action,
        outcome=cast("Outcome", entry.outcome),
        actor_id=entry.actor_id or None,
        target=entry.target,
        address=entry.address,
        request_id=entry.request_id,
        detail=msgspec.json.decode(entry.detail_json),
    )
