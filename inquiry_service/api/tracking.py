"""TrackingService: one inquiry for the bearer of its link."""

from typing import Any

from pok.inquiry.v1 import tracking_pb2, tracking_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.api.conversation import message_of
from inquiry_service.domain.tracking import Tracking
from runtime.rpc.context import principal


class TrackingServicer(tracking_pb2_grpc.TrackingServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    async def GetTrackedInquiry(
        self, request: tracking_pb2.GetTrackedInquiryRequest, context: Any
    ) -> tracking_pb2.GetTrackedInquiryResponse:
        """What the link shows."""
        followed = await self._tracking.open(request.reference, request.tracking_token, principal())
        return tracking_pb2.GetTrackedInquiryResponse(
            inquiry=convert.inquiry_message(followed.inquiry), messages=map(message_of, followed.messages)
        )

    async def CreateTrackedMessage(
        self, request: tracking_pb2.CreateTrackedMessageRequest, context: Any
    ) -> tracking_pb2.CreateTrackedMessageResponse:
        """Store a follow-up."""
        written = await self._tracking.write(
            request.reference, request.tracking_token, request.text, request.request_id, principal()
        )
        return tracking_pb2.CreateTrackedMessageResponse(message=message_of(written.message), replayed=written.replayed)

    async def RevokeTracking(
        self, request: tracking_pb2.RevokeTrackingRequest, context: Any
    ) -> tracking_pb2.RevokeTrackingResponse:
        """A new link instead of the old ones."""
        token = await self._tracking.revoke(convert.uuid_of(request.inquiry_id), principal())
        return tracking_pb2.RevokeTrackingResponse(tracking_token=token)
