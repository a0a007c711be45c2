"""Many inquiries at once: import and export."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.exceptions import HTTPException, InternalServerException
from litestar.response import Stream
from pok.inquiry.v1 import inquiry_pb2, transfer_pb2

from edge_api import importing, tables
from edge_api.body import EdgeRequest
from edge_api.convert import exported_inquiry
from edge_api.filters import inquiry_filter
from edge_api.openapi import operation
from edge_api.schemas.transfer import (
    ChangedInquiries,
    ExportedInquiry,
    ExportQuery,
    ImportQuery,
    ImportReport,
)
from runtime.rpc import context
from runtime.rpc.errors import InvalidArgument, PermissionDenied, RpcError

CSV = "text/csv"
JSON_LINES = frozenset({"application/jsonl", "application/x-ndjson"})
REST_SECONDS = 10.0
"""How long the rest of a refused file is taken."""

EXPORT_SECONDS = 24 * 3600.0
"""How long an export may take; what is not sent by then is cut off, noticeably."""


@post(
    "/api/inquiries/import",
    status_code=200,
    request_max_body_size=None,
    summary="Import inquiries",
    tags=["inquiries"],
    response_description="What became of the rows.",
    **operation("import_inquiries", 400, 401, 403, 415),
)
async def import_inquiries(request: EdgeRequest) -> Response[ImportReport]:
    """Takes a file of any size in UTF-8 and reads it as it comes: CSV with a header, cells separated by `,` or `;`, or
    JSON lines. Columns: `external_id`, `customer_name`, `customer_email`, `subject`, `message`; and, if you like,
    `status`, `category` (a key), `priority`, `language`, `tags` (in CSV separated by `;` or `|`) and `create_time`
    (UTC where it does not say). A file from an export will do: what an import cannot set is left out, and a row
    without `external_id` is known by its `id`.

    Each row stands for itself: one that is not right is answered with its reasons and stops no other. A row may have
    256 kB. A row whose `external_id` is there already is not stored again, so the same file may be sent again after a
    break. A category or priority that is given counts as a person's word. Without `triage` the inquiries are not
    analysed, and their `triage_state` is `done`.
    """
    triage = request.query(ImportQuery).triage
    kind = request.content_type[0].lower()
    if kind != CSV and kind not in JSON_LINES:
        raise HTTPException(status_code=415)
    context.lift_deadline()

    async def send(rows: list[transfer_pb2.ImportRow]) -> transfer_pb2.ImportInquiriesResponse:
        await _still_admin(request)
        return await request.backend.transfer.ImportInquiries(
            transfer_pb2.ImportInquiriesRequest(rows=rows, triage=triage)
        )

    try:
        report = await importing.stored(importing.rows(_chunks(request), as_csv=kind == CSV), send)
    except RpcError:
        await _take_the_rest(request)
        raise
    return cast("Response[ImportReport]", Stream(report.written(), media_type="application/json"))


@get(
    "/api/inquiries/export",
    summary="Export inquiries",
    tags=["inquiries"],
    response_description="All inquiries that match, oldest first, as a file; or a page of changes.",
    **operation("export_inquiries", 400, 401, 403, 409),
)
async def export_inquiries(request: EdgeRequest) -> Response[ChangedInquiries]:
    """`format=csv` (UTF-8 with a byte order mark; cells that a spreadsheet would take for a formula begin with an
    apostrophe, which an import removes) and `format=jsonl` are files of all inquiries that match. An export is itself
    recorded in the audit log.

    `format=json` is for copies that are kept up to date, and takes no filter: it answers what has changed since
    `after`, each inquiry as it is now, until `end_of_stream`. Keep the last `after` and go on from there later. After
    the database was restored the answer is 409 with the type `feed-restarted`: begin anew.
    """
    query = request.query(ExportQuery)
    conditions = inquiry_filter(query)
    if query.format == "json":
        if conditions != inquiry_pb2.InquiryFilter():
            raise InvalidArgument.field("format", "Changes are those of all inquiries: filters go with files only.")
        return Response(await _changes(request, query))
    if query.after:
        raise InvalidArgument.field("after", "Goes with format=json only.")
    context.lift_deadline()
    stream = request.backend.transfer.ExportInquiries(
        transfer_pb2.ExportInquiriesRequest(filter=conditions), timeout=EXPORT_SECONDS
    )
    batches = aiter(stream)
    first = await anext(batches)  # what is refused is refused before the file begins
    name = f"pok-inquiries-{datetime.now(UTC):%Y-%m-%d}.{query.format}"
    file = Stream(
        tables.written(query.format, ExportedInquiry.__struct_fields__, _rows(request, first, batches)),
        media_type=tables.MEDIA_TYPES[query.format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    return cast("Response[ChangedInquiries]", file)


async def _changes(request: EdgeRequest, query: ExportQuery) -> ChangedInquiries:
    response = await request.backend.transfer.ListChangedInquiries(
        transfer_pb2.ListChangedInquiriesRequest(after=query.after, page_size=query.page_size)
    )
    return ChangedInquiries(
        items=[exported_inquiry(inquiry) for inquiry in response.inquiries],
        erased_ids=list(response.erased_ids),
        after=response.after,
        end_of_stream=response.end_of_stream,
    )


async def _rows(
    request: EdgeRequest,
    first: transfer_pb2.ExportInquiriesResponse,
    others: AsyncIterator[transfer_pb2.ExportInquiriesResponse],
) -> AsyncIterator[Iterable[Mapping[str, Any]]]:
    yield [msgspec.structs.asdict(exported_inquiry(inquiry)) for inquiry in first.inquiries]
    async for batch in others:
        await _still_admin(request)
        yield [msgspec.structs.asdict(exported_inquiry(inquiry)) for inquiry in batch.inquiries]


async def _still_admin(request: EdgeRequest) -> None:
    """Long work ends with the session, and with the role, as quickly as everything else does."""
    principal = await request.backend.sessions.principal(context.principal().session_id)
    if principal.role != "admin":
        raise PermissionDenied("This is for admins only.")


async def _take_the_rest(request: EdgeRequest) -> None:
    # Most clients send everything before they read: an answer that closes the connection before would be lost to them.
    with suppress(TimeoutError, InternalServerException):  # there is none, or its client has gone
        async with asyncio.timeout(REST_SECONDS):
            async for _ in request.stream():
                pass


async def _chunks(request: EdgeRequest) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException:  # the client has gone; nobody reads the answer
        raise HTTPException(status_code=400) from None
