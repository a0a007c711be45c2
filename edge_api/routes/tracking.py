"""The private link that opens one inquiry for its customer."""

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import Parameter
from pok.inquiry.v1 import tracking_pb2

from edge_api import convert
from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.routes.conversation import customer_message
from edge_api.routes.inquiries import REPLAYED, IdempotencyKey, InquiryId, checked_key
from edge_api.schemas.conversation import CustomerMessage, NewFollowUp, TrackedInquiry, TrackingLink

Reference = Annotated[str, Parameter(description="Reference of the inquiry, such as POK-1042.")]
TrackingToken = Annotated[
    str | None,
    Parameter(
        header="X-Tracking-Token",
        required=False,
        description="`tracking_token` of the link. Without the right one there is nothing here.",
        schema_extra={"pattern": "^[!-~]{1,200}$", "examples": ["b3BhcXVl"]},
    ),
]


@get(
    "/api/track/{reference:str}",
    summary="Follow an inquiry",
    tags=["tracking"],
    response_description="The inquiry and its conversation, in the customer's view.",
    **operation("get_tracked_inquiry", 400, 401, 404),
)
async def get_tracked_inquiry(
    request: EdgeRequest, reference: Reference, tracking_token: TrackingToken = None
) -> TrackedInquiry:
    """Needs the private link, but no account; a customer who is logged in has the inquiry in their list from then on.

    404 for a wrong token as for a wrong reference.
    """
    response = await request.backend.tracking.GetTrackedInquiry(
        tracking_pb2.GetTrackedInquiryRequest(reference=reference, tracking_token=tracking_token or "")
    )
    return TrackedInquiry(
        inquiry=convert.customer_inquiry(response.inquiry), messages=list(map(customer_message, response.messages))
    )


@post(
    "/api/track/{reference:str}/messages",
    summary="Add to an inquiry",
    tags=["tracking"],
    response_description="It is stored.",
    response_headers=[REPLAYED],
    **operation("create_tracked_message", 401, 403, 404, 409, *BODY_ERRORS),
)
async def create_tracked_message(
    request: EdgeRequest,
    reference: Reference,
    data: NewFollowUp,
    tracking_token: TrackingToken = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[CustomerMessage]:
    """Reopens the inquiry, unless it was closed more than 30 days ago, and has it analysed again. Not for staff, who
    reply instead.
    """
    response = await request.backend.tracking.CreateTrackedMessage(
        tracking_pb2.CreateTrackedMessageRequest(
            reference=reference,
            tracking_token=tracking_token or "",
            text=data.text,
            request_id=checked_key(idempotency_key),
        )
    )
    headers = {"Idempotency-Replayed": "true"} if response.replayed else None
    return Response(customer_message(response.message), status_code=201, headers=headers)


@delete(
    "/api/inquiries/{inquiry_id:uuid}/tracking",
    summary="Replace the private link",
    tags=["tracking"],
    status_code=200,
    response_description="The new link.",
    **operation("revoke_tracking", 400, 401, 403, 404),
)
async def revoke_tracking(request: EdgeRequest, inquiry_id: InquiryId) -> TrackingLink:
    """All links given out so far open nothing from now on."""
    response = await request.backend.tracking.RevokeTracking(
        tracking_pb2.RevokeTrackingRequest(inquiry_id=str(inquiry_id))
    )
    return TrackingLink(response.tracking_token)
