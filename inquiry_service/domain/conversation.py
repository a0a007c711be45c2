"""What customers and agents write to each other: in order, once per idempotency key, with all that follows from it."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

import asyncpg
import msgspec

from inquiry_service.domain import text
from inquiry_service.domain.drafts import SENDABLE, check_move, supersede
from inquiry_service.domain.edit_distance import edit_distance
from inquiry_service.domain.intake import key_violations, scope_of
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_signed_in
from inquiry_service.domain.status import check_transition
from inquiry_service.domain.vocabulary import Status
from inquiry_service.storage import drafts, inquiries, knowledge, messages, triage_requests
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.drafts import DraftRecord
from inquiry_service.storage.messages import MessageRecord
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import Aborted, FailedPrecondition, FieldViolation, InvalidArgument, NotFound, PermissionDenied

Kind = Literal["reply", "note", "follow_up"]

LONGEST_TEXT = 20_000
MOST_MESSAGES = 1_000
DEFAULT_PAGE_SIZE = LARGEST_PAGE_SIZE = 100
POSITION_BYTES = 4
REOPENED_WITHIN = timedelta(days=30)
LIVE_LANE = 0


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody writes. Empty and 0: no status asked for, no idempotency key, no draft."""

    kind: Kind
    text: str
    draft_number: int = 0
    status: str = ""
    request_id: str = ""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes, and how.

    `scope` is that of their idempotency keys; the inquiry must be that of the account `owner`, if there is one.
    """

    author: Literal["customer", "agent"]
    channel: str
    scope: str
    account_id: UUID | None = None
    owner: UUID | None = None


class Measured(msgspec.Struct, frozen=True):
    """How far the text that is sent is from that of its draft."""

    body: str
    distance: int


class Written(msgspec.Struct, frozen=True):
    """The message as its author sees it; `replayed` when an earlier request with the same key had stored it."""

    message: MessageRecord
    replayed: bool


class MessagePage(msgspec.Struct, frozen=True):
    """Oldest first; the token is empty at the end."""

    items: list[MessageRecord]
    next_page_token: str


class Conversation:
    """Reads and writes messages, and rings the doorbell for those that are to be analysed."""

    def __init__(self, database: Database, tokens: PageTokens, ring: Callable[[UUID], None]) -> None:
        self._database = database
        self._tokens = tokens
        self._ring = ring

    async def list(self, inquiry_id: UUID, size: int, page_token: str, principal: Principal) -> MessagePage:
        """A page of what the principal may see. Raises PermissionDenied, InvalidArgument, NotFound."""
        require_signed_in(principal)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        # Customers count without the notes, also in their tokens, which they could read.
        notes = principal.is_staff
        binding = ("messages", inquiry_id, notes)
        after = int.from_bytes(self._tokens.open(page_token, *binding)) if page_token else 0
        owner = None if notes else UUID(principal.account_id)
        page = await messages.page(self._database, inquiry_id, notes=notes, owner=owner, after=after, size=limit)
        if not page.items and not page_token:
            raise NotFound("There is no such inquiry.")
        position = page.items[-1].number.to_bytes(POSITION_BYTES) if page.more else b""
        return MessagePage(page.items, self._tokens.seal(position, *binding) if page.more else "")

    async def create(self, inquiry_id: UUID, new: NewMessage, principal: Principal) -> Written:
        """Add a message. Raises PermissionDenied, NotFound and what `write` raises."""
        require_signed_in(principal)
        account_id = UUID(principal.account_id) if principal.account_id else None
        sender = Sender(
            author="agent" if principal.is_staff else "customer",
            channel="desk" if principal.is_staff else "web",
            scope=scope_of(principal),
            account_id=account_id,
            owner=None if principal.is_staff else account_id,
        )
        return await self.write(inquiry_id, new, sender)

    async def write(self, inquiry_id: UUID, new: NewMessage, sender: Sender) -> Written:
        """Add a message of somebody who may write to this inquiry.

        Raises InvalidArgument, NotFound, PermissionDenied (a kind that is not the sender's to write), Aborted
        (IDEMPOTENCY_CONFLICT) and FailedPrecondition: ILLEGAL_TRANSITION of the status or the draft, CLOSED_FOR_GOOD,
        CONVERSATION_FULL.
        """
        check(new)
        measured = await self._measure(inquiry_id, new)
        try:
            async with self._database.transaction() as connection:
                if new.kind == "follow_up":
                    await triage_requests.lock(connection, inquiry_id)
                before = await inquiries.lock(connection, inquiry_id)
                if before is None or (sender.owner and before.submitter_id != sender.owner):
                    raise NotFound("There is no such inquiry.")
                if (new.kind == "follow_up") != (sender.author == "customer"):
                    raise PermissionDenied("Customers write follow-ups, agents replies and notes.")
                first = await self._first(connection, inquiry_id, new, sender)
                number = first or await _add(connection, before, new, sender, measured)
                message = await messages.one(connection, inquiry_id, number, notes=sender.author == "agent")
        except asyncpg.UniqueViolationError:
            raise _conflict() from None
        if message is None:
            raise LookupError("the message was written a moment ago")
        if new.kind == "follow_up" and not first:
            self._ring(inquiry_id)
        return Written(message, replayed=first is not None)

    async def _measure(self, inquiry_id: UUID, new: NewMessage) -> Measured | None:
        # Before anything is locked, and beside the event loop: long texts take a while.
        draft = await drafts.one(self._database, inquiry_id, new.draft_number) if new.draft_number else None
        if draft is None:
            return None
        return Measured(draft.body, await asyncio.to_thread(edit_distance, draft.body, new.text))

    async def _first(self, connection: Connection, inquiry_id: UUID, new: NewMessage, sender: Sender) -> int | None:
        if not new.request_id:
            return None
        kept = await messages.by_key(connection, sender.scope, new.request_id)
        if kept is None:
            return None
        if not hmac.compare_digest(kept.body_hash, _body_hash(inquiry_id, new)):
            raise _conflict()
        return kept.message_number


def check(new: NewMessage) -> None:
    """Raise InvalidArgument with every wrong field."""
    wrong = [*text.violations("text", new.text, LONGEST_TEXT), *key_violations(new.request_id)]
    if new.kind != "reply":
        given = {"draft_number": new.draft_number, "status": new.status}
        wrong.extend(FieldViolation(name, "Is for replies only.") for name, value in given.items() if value)
    elif new.status and new.status not in {*get_args(Status)} - {"new"}:
        wrong.append(FieldViolation("status", "Nothing returns to new."))
    if wrong:
        raise InvalidArgument("The message cannot be taken.", violations=wrong)


def status_after(before: InquiryRecord, new: NewMessage, now: datetime) -> str:
    """The status that follows from a message; pure.

    Raises FailedPrecondition: ILLEGAL_TRANSITION, and CLOSED_FOR_GOOD for a customer who comes back too late.
    """
    if new.kind == "reply":
        wanted = new.status or ("pending" if before.status in ("new", "open") else before.status)
        check_transition(before.status, wanted)
        return wanted
    if new.kind == "note" or before.status in ("new", "open", "spam"):
        return before.status
    if before.status == "closed" and now - (before.resolve_time or before.update_time) > REOPENED_WITHIN:
        raise FailedPrecondition(
            "This was closed more than 30 days ago. Please send a new inquiry.", reason="CLOSED_FOR_GOOD"
        )
    return "open"


async def _add(
    connection: Connection, before: InquiryRecord, new: NewMessage, sender: Sender, measured: Measured | None
) -> int:
    number = (await messages.numbers(connection, before.id)).last + 1
    if number > MOST_MESSAGES:
        raise FailedPrecondition(
            f"This conversation has {MOST_MESSAGES} messages, which is all it can hold. Please begin a new one.",
            reason="CONVERSATION_FULL",
        )
    status = status_after(before, new, datetime.now(UTC))
    used = await _used(connection, before.id, new, measured)
    triage_state = before.triage_state
    if new.kind == "follow_up" and status != "spam":
        job_state = await triage_requests.request(connection, before.id, revision=number, lane=LIVE_LANE)
        triage_state = "running" if job_state == "running" else "queued"
    # Before the message, so that its event can say what became of the draft.
    replaced = None
    if new.kind != "note" and status != "spam":
        replaced = await _replaced(connection, before.id, used, sender)
    pairs = {"status": (before.status, status), "triage_state": (before.triage_state, triage_state)}
    event: dict[str, Any] = {"number": number, "kind": new.kind, "channel": sender.channel}
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if changes:
        event["changes"] = changes
    if new.kind == "reply":
        event |= {"first_response": before.first_response_time is None, "draft_used": used is not None}
        if draft := used or replaced:
            event["draft_number"] = draft.number
        if used:
            event["edit_distance"] = used.edit_distance
    version = before.version + 1 + (replaced is not None)
    await messages.add(
        connection,
        {
            "inquiry_id": before.id,
            "number": number,
            "author": sender.author,
            "kind": new.kind,
            "account_id": sender.account_id,
            "body": new.text,
            "channel": sender.channel,
            "status": status,
            "triage_state": triage_state,
            "triage_reason": None if triage_state != before.triage_state else before.triage_reason,
            "human_versions": before.human_versions | ({"status": version} if "status" in changes else {}),
            "scope": sender.scope,
            "key": new.request_id,
            "body_hash": _body_hash(before.id, new),
            "event_body": event,
        },
    )
    if "spam" in changes.get("status", ()):
        await knowledge.set_spam(connection, before.id, spam=status == "spam")
    if used:
        sent = msgspec.structs.replace(used, state="sent", reply_number=number)
        await drafts.save(connection, sent, actor="agent", actor_id=sender.account_id)
    return number


async def _used(
    connection: Connection, inquiry_id: UUID, new: NewMessage, measured: Measured | None
) -> DraftRecord | None:
    if not new.draft_number:
        return None
    draft = await drafts.one(connection, inquiry_id, new.draft_number)
    if draft is None:
        raise InvalidArgument.field("draft_number", "There is no such draft.")
    # One that was still being written a moment ago has another text by now.
    finished = draft.state in SENDABLE and measured is not None and measured.body == draft.body
    check_move(draft, "sent", frozenset({"sent"}) if finished else frozenset())
    return msgspec.structs.replace(draft, edit_distance=measured.distance if measured else None)


async def _replaced(
    connection: Connection, inquiry_id: UUID, used: DraftRecord | None, sender: Sender
) -> DraftRecord | None:
    current = await drafts.current(connection, inquiry_id)
    if used and current and current.number == used.number:
        return None
    return await supersede(connection, inquiry_id, actor=sender.author, actor_id=sender.account_id)


def _body_hash(inquiry_id: UUID, new: NewMessage) -> bytes:
    body = msgspec.structs.replace(new, request_id="")
    return hashlib.sha256(inquiry_id.bytes + msgspec.json.encode(body, order="sorted")).digest()


def _conflict() -> Aborted:
    return Aborted("This idempotency key was already used for a different request.", reason="IDEMPOTENCY_CONFLICT")
