"""TransferService: many inquiries, in and out."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from pok.inquiry.v1 import transfer_pb2, transfer_pb2_grpc

from inquiry_service.api import convert, filters
from inquiry_service.domain.exporting import Exporting
from inquiry_service.domain.importing import GivenRow, Importing, Rejected
from runtime.rpc.context import principal
from runtime.rpc.errors import FieldViolation, InvalidArgument


class TransferServicer(transfer_pb2_grpc.TransferServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, importing: Importing, exporting: Exporting) -> None:
        self._importing = importing
        self._exporting = exporting

    async def ImportInquiries(
        self, request: transfer_pb2.ImportInquiriesRequest, context: Any
    ) -> transfer_pb2.ImportInquiriesResponse:
        """Store the rows that are right."""
        result = await self._importing.store([_row(row) for row in request.rows], principal(), triage=request.triage)
        return transfer_pb2.ImportInquiriesResponse(
            imported=result.imported, repeated_rows=result.repeated, rejected=map(_rejected, result.rejected)
        )

    async def ExportInquiries(
        self, request: transfer_pb2.ExportInquiriesRequest, context: Any
    ) -> AsyncIterator[transfer_pb2.ExportInquiriesResponse]:
        """Everything that matches, batch by batch."""
        async for batch in self._exporting.all(filters.conditions(request.filter), request.filter.query, principal()):
            yield transfer_pb2.ExportInquiriesResponse(inquiries=map(convert.inquiry_message, batch))

    async def ListChangedInquiries(
        self, request: transfer_pb2.ListChangedInquiriesRequest, context: Any
    ) -> transfer_pb2.ListChangedInquiriesResponse:
        """A page of what has changed."""
        changed = await self._exporting.changes(request.after, request.page_size, principal())
        return transfer_pb2.ListChangedInquiriesResponse(
            inquiries=map(convert.inquiry_message, changed.inquiries),
            erased_ids=map(str, changed.erased_ids),
            after=changed.after,
            end_of_stream=changed.end_of_stream,
        )


def _row(message: transfer_pb2.ImportRow) -> GivenRow:
    wrong: list[FieldViolation] = []
    return GivenRow(
        number=message.row,
        external_id=message.external_id,
        customer_name=message.customer_name,
        customer_email=message.customer_email,
        subject=message.subject,
        message=message.message,
        status=_word(convert.STATUS, message.status, "status", wrong),
        category=message.category,
        priority=_word(convert.PRIORITY, message.priority, "priority", wrong),
        language=message.language,
        tags=tuple(message.tags),
        create_time=_time(message, wrong),
        violations=wrong,  # of the calls above
    )


def _word(words: convert.Words, number: int, field: str, wrong: list[FieldViolation]) -> str | None:
    try:
        return words.word(number, field) if number else None
    except InvalidArgument as error:
        wrong += error.violations
        return None


def _time(message: transfer_pb2.ImportRow, wrong: list[FieldViolation]) -> datetime | None:
    try:
        return convert.time_in("create_time", message.create_time) if message.HasField("create_time") else None
    except InvalidArgument as error:
        wrong += error.violations
        return None


def _rejected(row: Rejected) -> transfer_pb2.RejectedRow:
    return transfer_pb2.RejectedRow(
        row=row.number,
        external_id=row.external_id[:200],
        errors=[transfer_pb2.RowError(field=field, message=description) for field, description in row.violations],
    )
