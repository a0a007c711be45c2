"""Inquiries: create, list, read, change."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from pok.inquiry.v1 import inquiry_pb2

from edge_api import convert, filters, problems, versions
from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.inquiries import (
    CreatedInquiry,
    InquiryChange,
    InquiryPage,
    InquiryView,
    NewInquiry,
    StaffInquiry,
)
from edge_api.schemas.journal import EventPage, EventQuery
from edge_api.schemas.lists import InquiryQuery
from edge_api.schemas.problems import VersionMismatch
from runtime.rpc import context
from runtime.rpc.errors import FailedPrecondition, InvalidArgument

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
MIN_ANONYMOUS_KEY = 22
"""Anonymous callers share one scope of keys, so theirs must not be guessable: a UUID or 22 random characters."""

IdempotencyKey = Annotated[
    str | None,
    Parameter(
        header="Idempotency-Key",
        required=False,
        description="Makes a retry safe for 24 hours: the same key and body answer with what was stored first. "
        "At most 255 visible ASCII characters; without a token a UUID or at least 22 random characters.",
        schema_extra={"pattern": "^[!-~]{1,255}$", "examples": ["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"]},
    ),
]
IfMatch = Annotated[
    str | None,
    versions.if_match("Refused with 412 only if a person has changed one of these fields since"),
]
InquiryId = Annotated[UUID, Parameter(description="UUID of the inquiry.")]

LOCATION = ResponseHeader(name="Location", documentation_only=True, description="Path of the inquiry.")
REPLAYED = ResponseHeader(
    name="Idempotency-Replayed",
    documentation_only=True,
    description="`true` when an earlier request with the same key had stored it.",
)


@post(
    "/api/inquiries/create",
    summary="Send an inquiry",
    tags=["inquiries"],
    response_description="It is stored, and it will be analysed.",
    response_headers=[LOCATION, REPLAYED],
    **operation("create_inquiry", 401, 403, 409, *BODY_ERRORS),
)
async def create_inquiry(
    request: EdgeRequest, data: NewInquiry, idempotency_key: IdempotencyKey = None
) -> Response[CreatedInquiry]:
    """Stores the inquiry and answers at once; category, sentiment, priority and a drafted reply follow by themselves.

    `Location` names the inquiry. A replay of an earlier request carries `Idempotency-Replayed: true`.
    """
    response = await request.backend.inquiries.CreateInquiry(
        inquiry_pb2.CreateInquiryRequest(
            customer_name=data.customer_name,
            customer_email=data.customer_email,
            subject=data.subject,
            message=data.message,
            external_id=data.external_id or "",
            request_id=checked_key(idempotency_key),
            consent_version=data.consent_version or "",
            website=data.website or "",
            fill_seconds=data.fill_seconds,
        )
    )
    headers = {"Location": f"/api/inquiries/{response.inquiry.id}/"}
    if response.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(convert.created_inquiry(response), status_code=201, headers=headers)


@get(
    "/api/inquiries",
    summary="List inquiries",
    tags=["inquiries"],
    response_description="A page, in the fullest view that the caller may see.",
    **operation("list_inquiries", 400, 401, 403),
)
async def list_inquiries(request: EdgeRequest) -> InquiryPage:
    """Everything for staff, their own for customers, the public view without a token; newest first, or by `ordering`.

    Filters may be repeated or separated by commas; all of them must hold. Filters and orderings by fields that the
    caller's view does not contain are refused. Inquiries that are equal in what is ordered by keep one order.
    """
    query = request.query(InquiryQuery)
    return convert.inquiry_page(await request.backend.inquiries.ListInquiries(filters.list_request(query)))


@get(
    "/api/inquiries/{inquiry_id:uuid}",
    summary="Read an inquiry",
    tags=["inquiries"],
    response_description="The inquiry, in the fullest view that the caller may see.",
    response_headers=[versions.ETAG],
    **operation("get_inquiry", 400, 401, 404),
)
async def get_inquiry(request: EdgeRequest, inquiry_id: InquiryId) -> Response[InquiryView]:
    """The fullest view that the caller may see. For staff the ETag is its version."""
    response = await request.backend.inquiries.GetInquiry(inquiry_pb2.GetInquiryRequest(id=str(inquiry_id)))
    view = convert.VIEWS[response.view](response.inquiry)
    return Response(view, headers=versions.entity_tag(view.version) if isinstance(view, StaffInquiry) else None)


@patch(
    "/api/inquiries/{inquiry_id:uuid}",
    summary="Change an inquiry",
    tags=["inquiries"],
    response_description="The inquiry as it is now.",
    response_headers=[versions.ETAG],
    **operation("update_inquiry", 401, 403, 404, 409, 412, *BODY_ERRORS, mismatch=VersionMismatch),
)
async def update_inquiry(
    request: EdgeRequest, inquiry_id: InquiryId, data: InquiryChange, if_match: IfMatch = None
) -> Response[StaffInquiry]:
    """Sets the fields that are sent; what a person has set, the machine leaves alone from then on.

    Tags are added and removed rather than replaced, so that two agents' changes merge.
    """
    if data == InquiryChange():
        raise InvalidArgument("Name at least one field to change.")
    change = convert.update_request(str(inquiry_id), data, versions.if_version(if_match))
    try:
        response = await request.backend.inquiries.UpdateInquiry(change)
    except FailedPrecondition as error:
        if error.reason == "VERSION_MISMATCH":
            return await _version_mismatch(request, change.id, error)
        raise
    inquiry = convert.staff_inquiry(response.inquiry)
    return Response(inquiry, headers=versions.entity_tag(inquiry.version))


@delete(
    "/api/inquiries/{inquiry_id:uuid}",
    summary="Erase an inquiry",
    tags=["inquiries"],
    response_description="Nothing of it is left but that there was one.",
    **operation("delete_inquiry", 400, 401, 403, 404),
)
async def delete_inquiry(request: EdgeRequest, inquiry_id: InquiryId) -> None:
    """Erases it for good with its messages, drafts and AI records. The event log, which holds no texts, keeps that it
    was. An `Idempotency-Key` that made it makes a new one from then on.
    """
    await request.backend.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=str(inquiry_id)))


@get(
    "/api/inquiries/{inquiry_id:uuid}/events",
    summary="Read an inquiry's timeline",
    tags=["inquiries"],
    response_description="A page of the timeline.",
    **operation("list_inquiry_events", 400, 401, 403, 404),
)
async def list_inquiry_events(request: EdgeRequest, inquiry_id: InquiryId) -> EventPage:
    """What happened, oldest first: who, what was before and what after."""
    query = request.query(EventQuery)
    response = await request.backend.inquiries.ListEvents(
        inquiry_pb2.ListEventsRequest(
            inquiry_id=str(inquiry_id), kinds=query.kind, page_size=query.page_size, page_token=query.page_token
        )
    )
    return EventPage(
        items=[convert.event(event) for event in response.events], next_page_token=response.next_page_token or None
    )


async def _version_mismatch(request: EdgeRequest, inquiry_id: str, error: FailedPrecondition) -> Response[Any]:
    response = await request.backend.inquiries.GetInquiry(inquiry_pb2.GetInquiryRequest(id=inquiry_id))
    current = convert.staff_inquiry(response.inquiry)
    kind = problems.BY_REASON[error.reason]
    problem = problems.problem_of(kind, error.message, error.violations)
    return Response(
        VersionMismatch(**msgspec.structs.asdict(problem), current=current),
        status_code=kind.status,
        media_type=problems.MEDIA_TYPE,
        headers=versions.entity_tag(current.version),
    )


def checked_key(key: str | None) -> str:
    """The Idempotency-Key, empty where none was sent. Raises InvalidArgument."""
    if key is None:
        return ""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidArgument.field("Idempotency-Key", "Idempotency-Key takes 1 to 255 visible ASCII characters.")
    if context.principal().role == "anonymous" and len(key) < MIN_ANONYMOUS_KEY:
        raise InvalidArgument.field(
            "Idempotency-Key", "Idempotency-Key must be a UUID or at least 22 random characters when no token is sent."
        )
    return key
