"""ConversationService: messages and drafts."""

from collections.abc import AsyncIterator
from typing import Any, cast

from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import conversation_pb2, conversation_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.conversation import Conversation, Kind, NewMessage
from inquiry_service.domain.drafts import Drafts
from inquiry_service.storage.drafts import DraftRecord
from inquiry_service.storage.messages import MessageRecord
from runtime.rpc.context import principal
from runtime.rpc.errors import InvalidArgument

KIND = convert.Words(conversation_pb2.MessageKind.DESCRIPTOR)
DRAFT_STATE = convert.Words(conversation_pb2.DraftState.DESCRIPTOR)
WRITABLE = ("reply", "note", "follow_up")
BY_PEOPLE = ("ready", "inserted", "dismissed")


class ConversationServicer(conversation_pb2_grpc.ConversationServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, conversation: Conversation, drafts: Drafts) -> None:
        self._conversation = conversation
        self._drafts = drafts

    async def ListMessages(
        self, request: conversation_pb2.ListMessagesRequest, context: Any
    ) -> conversation_pb2.ListMessagesResponse:
        """A page in the caller's view."""
        inquiry_id = convert.uuid_of(request.inquiry_id)
        page = await self._conversation.list(inquiry_id, request.page_size, request.page_token, principal())
        return conversation_pb2.ListMessagesResponse(
            messages=map(message_of, page.items), next_page_token=page.next_page_token
        )

    async def CreateMessage(
        self, request: conversation_pb2.CreateMessageRequest, context: Any
    ) -> conversation_pb2.CreateMessageResponse:
        """Store what somebody writes."""
        inquiry_id = convert.uuid_of(request.inquiry_id)
        kind = _one_of(WRITABLE, "kind", KIND.word(request.kind, "kind"))
        new = NewMessage(
            kind=cast("Kind", kind),
            text=request.text,
            draft_number=request.draft_number,
            status=convert.STATUS.word(request.status, "status") if request.status else "",
            request_id=request.request_id,
        )
        written = await self._conversation.create(inquiry_id, new, principal())
        return conversation_pb2.CreateMessageResponse(message=message_of(written.message), replayed=written.replayed)

    async def GetDraft(
        self, request: conversation_pb2.GetDraftRequest, context: Any
    ) -> conversation_pb2.GetDraftResponse:
        """The newest one."""
        draft = await self._drafts.get(convert.uuid_of(request.inquiry_id), principal())
        return conversation_pb2.GetDraftResponse(draft=_draft(draft))

    async def UpdateDraft(
        self, request: conversation_pb2.UpdateDraftRequest, context: Any
    ) -> conversation_pb2.UpdateDraftResponse:
        """Move it on."""
        state = _one_of(BY_PEOPLE, "state", DRAFT_STATE.word(request.state, "state"))
        draft = await self._drafts.update(convert.uuid_of(request.inquiry_id), request.number, state, principal())
        return conversation_pb2.UpdateDraftResponse(draft=_draft(draft))

    async def RegenerateDraft(
        self, request: conversation_pb2.RegenerateDraftRequest, context: Any
    ) -> AsyncIterator[conversation_pb2.RegenerateDraftResponse]:
        """A new one, as it is written."""
        inquiry_id = convert.uuid_of(request.inquiry_id)
        async for part in self._drafts.regenerate(inquiry_id, request.instruction, principal()):
            if isinstance(part, str):
                yield conversation_pb2.RegenerateDraftResponse(delta=part)
            else:
                yield conversation_pb2.RegenerateDraftResponse(draft=_draft(part))


def message_of(record: MessageRecord) -> conversation_pb2.Message:
    """The message as its reader sees it."""
    return conversation_pb2.Message(
        number=record.number,
        kind=KIND.number(record.kind),
        author=convert.AUTHOR.number(record.author),
        author_id=str(record.account_id or ""),
        author_name=record.author_name,
        text=record.body,
        channel=record.channel,
        create_time=convert.timestamp(record.create_time),
    )


def _draft(record: DraftRecord) -> conversation_pb2.Draft:
    return conversation_pb2.Draft(
        number=record.number,
        state=DRAFT_STATE.number(record.state),
        text=record.body,
        message_number=record.revision,
        instruction=record.instruction,
        model=analysis_pb2.Model(**record.model) if record.model else None,
        reply_number=record.reply_number or 0,
        edit_distance=record.edit_distance,
        reason=record.reason or "",
        cited=record.cited,
        missing=record.missing,
        masked=[analysis_pb2.Masked(**one) for one in record.masked],
        create_time=convert.timestamp(record.create_time),
        update_time=convert.timestamp(record.update_time),
    )


def _one_of(words: tuple[str, ...], field: str, word: str) -> str:
    if word not in words:
        raise InvalidArgument.field(field, f"Must be one of: {', '.join(words)}.")
    return word
