"""Changes of many inquiries at once."""

from litestar import post
from pok.inquiry.v1 import inquiry_pb2

from edge_api import convert, problems
from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.bulk import BulkChange, BulkFields, BulkItem, BulkProblem, BulkResult
from runtime.rpc.errors import InvalidArgument


@post(
    "/api/inquiries/bulk",
    summary="Change many inquiries",
    tags=["inquiries"],
    status_code=200,
    response_description="What became of each.",
    **operation("bulk_update_inquiries", 401, 403, *BODY_ERRORS),
)
async def bulk_update_inquiries(request: EdgeRequest, data: BulkChange) -> BulkResult:
    """Changes each on its own: one that is refused stops no other, and its problem stands in its item. Learning takes
    no category that was set this way for an example.
    """
    if data.change == BulkFields():
        raise InvalidArgument.field("change", "Name at least one field to change.")
    values, mask = convert.changed_fields(data.change)
    response = await request.backend.inquiries.BatchUpdateInquiries(
        inquiry_pb2.BatchUpdateInquiriesRequest(
            ids=data.ids,
            inquiry=values,
            update_mask=mask,
            add_tags=data.change.add_tags,
            remove_tags=data.change.remove_tags,
        )
    )
    return BulkResult(items=[_item(result) for result in response.results])


def _item(result: inquiry_pb2.BatchUpdateResult) -> BulkItem:
    if not result.reason:
        return BulkItem(id=result.id, version=result.version, problem=None)
    kind = problems.BY_REASON.get(result.reason) or problems.BY_CODE.get(result.reason, problems.CONFLICT)
    return BulkItem(
        id=result.id,
        version=None,
        problem=BulkProblem(
            type=problems.type_of(kind), title=kind.title, status=kind.status, detail=result.message or kind.detail
        ),
    )
