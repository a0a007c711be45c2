"""InquiryService: what the edge asks of inquiries."""

from typing import Any

from pok.inquiry.v1 import inquiry_pb2, inquiry_pb2_grpc

from inquiry_service.api import convert, filters
from inquiry_service.domain.bulk import Bulk
from inquiry_service.domain.editing import Change, Editing
from inquiry_service.domain.erasing import Erasing
from inquiry_service.domain.intake import Form, Intake, NewInquiry
from inquiry_service.domain.reading import Query, Reading
from inquiry_service.domain.searching import Searching
from inquiry_service.domain.timeline import Timeline
from inquiry_service.domain.tracking import tracking_token
from runtime.rpc.context import principal
from runtime.settings import Secret

EDITABLE = frozenset({"category", "sentiment", "priority", "status", "assignee_id"})
EDITABLE_IN_BULK = EDITABLE - {"sentiment"}


class InquiryServicer(inquiry_pb2_grpc.InquiryServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(
        self,
        intake: Intake,
        reading: Reading,
        searching: Searching,
        editing: Editing,
        bulk: Bulk,
        erasing: Erasing,
        timeline: Timeline,
        tracking_key: Secret,
    ) -> None:
        self._intake = intake
        self._reading = reading
        self._searching = searching
        self._editing = editing
        self._bulk = bulk
        self._erasing = erasing
        self._timeline = timeline
        self._tracking_key = tracking_key

    async def CreateInquiry(
        self, request: inquiry_pb2.CreateInquiryRequest, context: Any
    ) -> inquiry_pb2.CreateInquiryResponse:
        """Store it; the answer repeats what was sent instead of reading it back."""
        new = NewInquiry(
            customer_name=request.customer_name,
            customer_email=request.customer_email,
            subject=request.subject,
            message=request.message,
            external_id=request.external_id,
            request_id=request.request_id,
        )
        form = Form(
            consent_version=request.consent_version,
            website=request.website,
            fill_seconds=request.fill_seconds if request.HasField("fill_seconds") else None,
        )
        created = await self._intake.create(new, form, principal())
        stored = created.inquiry
        inquiry = convert.inquiry_message(stored)
        inquiry.customer_name = new.customer_name
        inquiry.customer_email = new.customer_email
        inquiry.subject = new.subject
        inquiry.message = new.message
        inquiry.external_id = new.external_id
        return inquiry_pb2.CreateInquiryResponse(
            inquiry=inquiry,
            tracking_token=tracking_token(self._tracking_key, stored.id, stored.tracking_version),
            replayed=created.replayed,
        )

    async def GetInquiry(self, request: inquiry_pb2.GetInquiryRequest, context: Any) -> inquiry_pb2.GetInquiryResponse:
        """One inquiry in the caller's view."""
        view, record = await self._reading.get(convert.uuid_of(request.id), principal())
        return inquiry_pb2.GetInquiryResponse(inquiry=convert.inquiry_message(record), view=convert.VIEW.number(view))

    async def ListInquiries(
        self, request: inquiry_pb2.ListInquiriesRequest, context: Any
    ) -> inquiry_pb2.ListInquiriesResponse:
        """A page in the caller's view."""
        query = Query(
            filters=filters.conditions(request.filter),
            text=request.filter.query,
            ordering=request.ordering,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        listed = await self._reading.list(query, principal())
        return inquiry_pb2.ListInquiriesResponse(
            inquiries=[convert.inquiry_message(record) for record in listed.items],
            next_page_token=listed.next_page_token,
            previous_page_token=listed.previous_page_token,
            total=listed.total,
            total_is_estimate=listed.total_is_estimate,
            view=convert.VIEW.number(listed.view),
            meaning=listed.meaning,
        )

    async def ListSimilarInquiries(
        self, request: inquiry_pb2.ListSimilarInquiriesRequest, context: Any
    ) -> inquiry_pb2.ListSimilarInquiriesResponse:
        """What was resolved before and means nearly the same."""
        found = await self._searching.similar(convert.uuid_of(request.inquiry_id), request.page_size, principal())
        return inquiry_pb2.ListSimilarInquiriesResponse(similar=map(convert.similar_message, found))

    async def UpdateInquiry(
        self, request: inquiry_pb2.UpdateInquiryRequest, context: Any
    ) -> inquiry_pb2.UpdateInquiryResponse:
        """Apply a person's change."""
        change = Change(
            fields=_fields(request, EDITABLE),
            add_tags=tuple(request.add_tags),
            remove_tags=tuple(request.remove_tags),
            if_version=request.if_version,
        )
        record = await self._editing.update(convert.uuid_of(request.id), change, principal())
        return inquiry_pb2.UpdateInquiryResponse(inquiry=convert.inquiry_message(record))

    async def BatchUpdateInquiries(
        self, request: inquiry_pb2.BatchUpdateInquiriesRequest, context: Any
    ) -> inquiry_pb2.BatchUpdateInquiriesResponse:
        """Apply a person's change to a selection."""
        change = Change(
            fields=_fields(request, EDITABLE_IN_BULK),
            add_tags=tuple(request.add_tags),
            remove_tags=tuple(request.remove_tags),
            bulk=True,
        )
        outcomes = await self._bulk.update(request.ids, change, principal())
        return inquiry_pb2.BatchUpdateInquiriesResponse(
            results=[
                inquiry_pb2.BatchUpdateResult(
                    id=outcome.id, version=outcome.version, reason=outcome.reason, message=outcome.message
                )
                for outcome in outcomes
            ]
        )

    async def DeleteInquiry(
        self, request: inquiry_pb2.DeleteInquiryRequest, context: Any
    ) -> inquiry_pb2.DeleteInquiryResponse:
        """Erase it."""
        await self._erasing.erase(convert.uuid_of(request.id), principal())
        return inquiry_pb2.DeleteInquiryResponse()

    async def ListEvents(self, request: inquiry_pb2.ListEventsRequest, context: Any) -> inquiry_pb2.ListEventsResponse:
        """A page of its timeline."""
        inquiry_id = convert.uuid_of(request.inquiry_id)
        listed = await self._timeline.list(
            inquiry_id, request.kinds, request.page_size, request.page_token, principal()
        )
        return inquiry_pb2.ListEventsResponse(
            events=map(convert.event_message, listed.items), next_page_token=listed.next_page_token
        )


def _fields(
    request: inquiry_pb2.UpdateInquiryRequest | inquiry_pb2.BatchUpdateInquiriesRequest, allowed: frozenset[str]
) -> dict[str, str]:
    paths = convert.masked(request.update_mask, allowed)
    words = {
        "category": lambda: request.inquiry.category,
        "assignee_id": lambda: request.inquiry.assignee_id,
        "sentiment": lambda: convert.SENTIMENT.word(request.inquiry.sentiment, "sentiment"),
        "priority": lambda: convert.PRIORITY.word(request.inquiry.priority, "priority"),
        "status": lambda: convert.STATUS.word(request.inquiry.status, "status"),
    }
    return {path: words[path]() for path in sorted(paths)}
