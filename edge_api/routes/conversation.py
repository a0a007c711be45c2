"""The conversation of an inquiry, and the draft of its next reply."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from litestar import Response, get, patch, post
from litestar.response import Stream
from msgspec import UNSET
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import conversation_pb2

from edge_api import problems, sse
from edge_api.body import EdgeRequest
from edge_api.convert import STATUS_NUMBER, masked_kinds, model_of, names, numbers, time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.routes.inquiries import REPLAYED, IdempotencyKey, InquiryId, checked_key
from edge_api.schemas.conversation import (
    Author,
    CustomerMessage,
    CustomerMessagePage,
    Draft,
    DraftChange,
    DraftOrder,
    DraftState,
    MessageQuery,
    NewMessage,
    StaffMessage,
    StaffMessagePage,
)
from runtime.rpc import context
from runtime.rpc.errors import RpcError

DRAFT_SECONDS = 75.0
"""How long a draft may take; the AI gives up before."""

AUTHOR: Mapping[int, Author] = names(analysis_pb2.Author, "AUTHOR_")
KIND: Mapping[int, Any] = names(conversation_pb2.MessageKind, "MESSAGE_KIND_")
KIND_NUMBER = numbers(KIND)
DRAFT_STATE: Mapping[int, DraftState] = names(conversation_pb2.DraftState, "DRAFT_STATE_")
DRAFT_STATE_NUMBER = numbers(DRAFT_STATE)


@get(
    "/api/inquiries/{inquiry_id:uuid}/messages",
    summary="Read a conversation",
    tags=["conversation"],
    response_description="A page of the conversation, as the caller sees it.",
    **operation("list_messages", 400, 401, 403, 404),
)
async def list_messages(request: EdgeRequest, inquiry_id: InquiryId) -> StaffMessagePage | CustomerMessagePage:
    """Oldest first: all of it for staff; for customers, of their own inquiries, without the notes."""
    query = request.query(MessageQuery)
    response = await request.backend.conversation.ListMessages(
        conversation_pb2.ListMessagesRequest(
            inquiry_id=str(inquiry_id), page_size=query.page_size, page_token=query.page_token
        )
    )
    next_page_token = response.next_page_token or None
    if context.principal().is_staff:
        return StaffMessagePage(items=list(map(_staff_message, response.messages)), next_page_token=next_page_token)
    return CustomerMessagePage(items=list(map(customer_message, response.messages)), next_page_token=next_page_token)


@post(
    "/api/inquiries/{inquiry_id:uuid}/messages",
    summary="Write a message",
    tags=["conversation"],
    response_description="It is stored.",
    response_headers=[REPLAYED],
    **operation("create_message", 401, 403, 404, 409, *BODY_ERRORS),
)
async def create_message(
    request: EdgeRequest, inquiry_id: InquiryId, data: NewMessage, idempotency_key: IdempotencyKey = None
) -> Response[StaffMessage | CustomerMessage]:
    """Agents reply, or note something for each other; customers add to inquiries of their own.

    A reply ends the draft. A follow-up reopens the inquiry, unless it was closed more than 30 days ago, and has it
    analysed again.
    """
    message = conversation_pb2.CreateMessageRequest(
        inquiry_id=str(inquiry_id),
        kind=KIND_NUMBER[data.kind],
        text=data.text,
        draft_number=0 if data.draft_number is UNSET else data.draft_number,
        request_id=checked_key(idempotency_key),
    )
    if data.status is not UNSET:
        message.status = STATUS_NUMBER[data.status]
    response = await request.backend.conversation.CreateMessage(message)
    shown = _staff_message if context.principal().is_staff else customer_message
    headers = {"Idempotency-Replayed": "true"} if response.replayed else None
    return Response(shown(response.message), status_code=201, headers=headers)


@get(
    "/api/inquiries/{inquiry_id:uuid}/draft",
    summary="Read the draft",
    tags=["conversation"],
    response_description="The newest draft, whatever its state.",
    **operation("get_draft", 400, 401, 403, 404),
)
async def get_draft(request: EdgeRequest, inquiry_id: InquiryId) -> Draft:
    """The draft that all agents share; 404 while there is none."""
    response = await request.backend.conversation.GetDraft(conversation_pb2.GetDraftRequest(inquiry_id=str(inquiry_id)))
    return _draft(response.draft)


@patch(
    "/api/inquiries/{inquiry_id:uuid}/draft",
    summary="Move the draft on",
    tags=["conversation"],
    response_description="The draft as it is now.",
    **operation("update_draft", 401, 403, 404, 409, *BODY_ERRORS),
)
async def update_draft(request: EdgeRequest, inquiry_id: InquiryId, data: DraftChange) -> Draft:
    """Takes it into the composer, dismisses it, or takes that back; 409 if it was sent or superseded meanwhile."""
    response = await request.backend.conversation.UpdateDraft(
        conversation_pb2.UpdateDraftRequest(
            inquiry_id=str(inquiry_id), number=data.number, state=DRAFT_STATE_NUMBER[data.state]
        )
    )
    return _draft(response.draft)


@post(
    "/api/inquiries/{inquiry_id:uuid}/draft/stream",
    summary="Have the draft written anew",
    tags=["conversation"],
    status_code=200,
    response_description="Server-sent events until the draft is finished.",
    **operation("stream_draft", 401, 403, 404, *BODY_ERRORS),
)
async def stream_draft(request: EdgeRequest, inquiry_id: InquiryId, data: DraftOrder) -> Stream:
    """Supersedes the present draft. Events: `draft`, the draft as it begins and as it ends; between them `delta`, more
    of its `text`; `problem` instead of the end where the AI gives up. It is finished also if nobody listens.
    """
    stream = request.backend.conversation.RegenerateDraft(
        conversation_pb2.RegenerateDraftRequest(inquiry_id=str(inquiry_id), instruction=data.instruction or ""),
        timeout=DRAFT_SECONDS,
    )
    parts = aiter(stream)
    first = await anext(parts)  # what is refused is refused before the stream begins
    return Stream(_events(first, parts), media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)


def customer_message(message: conversation_pb2.Message) -> CustomerMessage:
    """The message as the customer sees it."""
    return CustomerMessage(
        number=message.number,
        kind=KIND[message.kind],
        author=AUTHOR[message.author],
        author_name=message.author_name,
        text=message.text,
        create_time=time_of(message.create_time),
    )


async def _events(
    first: conversation_pb2.RegenerateDraftResponse, others: AsyncIterator[conversation_pb2.RegenerateDraftResponse]
) -> AsyncIterator[bytes]:
    yield _event(first)
    try:
        async for part in others:
            yield _event(part)
    except RpcError as error:
        yield sse.event("problem", problems.of_rpc_error(error))


def _event(part: conversation_pb2.RegenerateDraftResponse) -> bytes:
    if part.WhichOneof("part") == "delta":
        return sse.event("delta", {"text": part.delta})
    return sse.event("draft", _draft(part.draft))


def _staff_message(message: conversation_pb2.Message) -> StaffMessage:
    return StaffMessage(
        number=message.number,
        kind=KIND[message.kind],
        author=AUTHOR[message.author],
        author_id=message.author_id or None,
        author_name=message.author_name,
        text=message.text,
        channel=message.channel,
        create_time=time_of(message.create_time),
    )


def _draft(draft: conversation_pb2.Draft) -> Draft:
    return Draft(
        number=draft.number,
        state=DRAFT_STATE[draft.state],
        text=draft.text,
        message_number=draft.message_number,
        instruction=draft.instruction or None,
        model=model_of(draft.model) if draft.HasField("model") else None,
        reply_number=draft.reply_number or None,
        edit_distance=draft.edit_distance if draft.HasField("edit_distance") else None,
        reason=draft.reason or None,
        cited=list(draft.cited),
        missing=list(draft.missing),
        masked=masked_kinds(draft.masked),
        create_time=time_of(draft.create_time),
        update_time=time_of(draft.update_time),
    )
