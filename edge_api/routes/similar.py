"""What was resolved before and means nearly the same."""

from litestar import get
from pok.inquiry.v1 import inquiry_pb2

from edge_api import convert
from edge_api.body import EdgeRequest
from edge_api.openapi import operation
from edge_api.routes.inquiries import InquiryId
from edge_api.schemas.similar import SimilarInquiry, SimilarPage, SimilarQuery


@get(
    "/api/inquiries/{inquiry_id:uuid}/similar",
    summary="List look-alikes of an inquiry",
    tags=["inquiries"],
    response_description="Resolved and closed inquiries that mean nearly the same.",
    **operation("list_similar_inquiries", 400, 401, 403, 404),
)
async def list_similar_inquiries(request: EdgeRequest, inquiry_id: InquiryId) -> SimilarPage:
    """Closest first, whatever their language, each with the answer that was sent."""
    query = request.query(SimilarQuery)
    response = await request.backend.inquiries.ListSimilarInquiries(
        inquiry_pb2.ListSimilarInquiriesRequest(inquiry_id=str(inquiry_id), page_size=query.page_size)
    )
    return SimilarPage([_similar(found) for found in response.similar])


def _similar(found: inquiry_pb2.SimilarInquiry) -> SimilarInquiry:
    return SimilarInquiry(
        inquiry=convert.staff_inquiry(found.inquiry),
        similarity=found.similarity,
        reply=found.reply or None,
        reply_time=convert.time_of(found.reply_time) if found.HasField("reply_time") else None,
    )
