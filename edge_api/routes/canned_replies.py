"""Canned replies."""

from typing import Annotated
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from litestar import Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from pok.inquiry.v1 import catalog_pb2

from edge_api import versions
from edge_api.body import EdgeRequest, sent
from edge_api.convert import time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.catalog import (
    CannedReply,
    CannedReplyChange,
    CannedReplyList,
    CannedReplyQuery,
    NewCannedReply,
)

ReplyId = Annotated[UUID, Parameter(description="UUID of the canned reply.")]
IfMatch = Annotated[str | None, versions.if_match("Refused with 412 if it has changed since")]
LOCATION = ResponseHeader(name="Location", documentation_only=True, description="Path of the canned reply.")


@get(
    "/api/canned-replies",
    summary="List canned replies",
    tags=["canned replies"],
    response_description="The canned replies.",
    **operation("list_canned_replies", 400, 401, 403),
)
async def list_canned_replies(request: EdgeRequest) -> CannedReplyList:
    """By language and title."""
    query = request.query(CannedReplyQuery)
    response = await request.backend.catalog.ListCannedReplies(
        catalog_pb2.ListCannedRepliesRequest(language=query.language or "", category=query.category or "")
    )
    return CannedReplyList([_reply(reply) for reply in response.canned_replies])


@post(
    "/api/canned-replies",
    summary="Add a canned reply",
    tags=["canned replies"],
    response_description="The canned reply exists.",
    response_headers=[LOCATION],
    **operation("create_canned_reply", 401, 403, 409, *BODY_ERRORS),
)
async def create_canned_reply(request: EdgeRequest, data: NewCannedReply) -> Response[CannedReply]:
    """Its title must be free in its language."""
    reply = catalog_pb2.CannedReply(
        title=data.title, body=data.body, language=data.language, category=data.category or ""
    )
    response = await request.backend.catalog.CreateCannedReply(catalog_pb2.CreateCannedReplyRequest(canned_reply=reply))
    created = _reply(response.canned_reply)
    return Response(created, status_code=201, headers={"Location": f"/api/canned-replies/{created.id}/"})


@get(
    "/api/canned-replies/{reply_id:uuid}",
    summary="Read a canned reply",
    tags=["canned replies"],
    response_description="The canned reply.",
    response_headers=[versions.ETAG],
    **operation("get_canned_reply", 400, 401, 403, 404),
)
async def get_canned_reply(request: EdgeRequest, reply_id: ReplyId) -> Response[CannedReply]:
    """One canned reply, by its id."""
    response = await request.backend.catalog.GetCannedReply(catalog_pb2.GetCannedReplyRequest(id=str(reply_id)))
    return _versioned(response.canned_reply)


@patch(
    "/api/canned-replies/{reply_id:uuid}",
    summary="Change a canned reply",
    tags=["canned replies"],
    response_description="The canned reply as it is now.",
    response_headers=[versions.ETAG],
    **operation("update_canned_reply", 401, 403, 404, 409, 412, *BODY_ERRORS),
)
async def update_canned_reply(
    request: EdgeRequest, reply_id: ReplyId, data: CannedReplyChange, if_match: IfMatch = None
) -> Response[CannedReply]:
    """Sets the fields that are sent."""
    values = sent(data)
    response = await request.backend.catalog.UpdateCannedReply(
        catalog_pb2.UpdateCannedReplyRequest(
            canned_reply=catalog_pb2.CannedReply(id=str(reply_id), **values),
            update_mask=FieldMask(paths=list(values)),
            if_version=versions.if_version(if_match),
        )
    )
    return _versioned(response.canned_reply)


@delete(
    "/api/canned-replies/{reply_id:uuid}",
    summary="Remove a canned reply",
    tags=["canned replies"],
    response_description="The canned reply is gone.",
    **operation("delete_canned_reply", 400, 401, 403, 404),
)
async def delete_canned_reply(request: EdgeRequest, reply_id: ReplyId) -> None:
    """Removes it; replies that were sent with it stay as they are."""
    await request.backend.catalog.DeleteCannedReply(catalog_pb2.DeleteCannedReplyRequest(id=str(reply_id)))


def _versioned(reply: catalog_pb2.CannedReply) -> Response[CannedReply]:
    return Response(_reply(reply), headers=versions.entity_tag(reply.version))


def _reply(reply: catalog_pb2.CannedReply) -> CannedReply:
    return CannedReply(
        id=reply.id,
        title=reply.title,
        body=reply.body,
        language=reply.language,
        category=reply.category or None,
        create_time=time_of(reply.create_time),
        update_time=time_of(reply.update_time),
        version=reply.version,
    )
