"""The shared draft of an inquiry: how far it may move, and having the AI write it anew."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from inquiry_service.domain import sources, text
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.settings import Settings
from inquiry_service.domain.triage import spend_left
from inquiry_service.storage import context, drafts, inquiries, messages, spending
from inquiry_service.storage.context import MOST_SOURCES
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.drafts import DraftRecord
from inquiry_service.storage.records import AnalysisInput, DraftedReply, Usage
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, InvalidArgument, NotFound, RpcError
from runtime.rpc.spent import spent

log = structlog.get_logger(__name__)

LONGEST_INSTRUCTION = 500
PROGRESS_SECONDS = 1.0
STALLED_SECONDS = 60.0
NOT_UNDERSTOOD = "instruction_not_understood"

# As people move it. What is missing, the machine does, or a newer draft or message.
BY_PEOPLE: Mapping[str, frozenset[str]] = {
    "generating": frozenset({"dismissed"}),
    "ready": frozenset({"inserted", "dismissed"}),
    "inserted": frozenset({"ready", "dismissed"}),
    "dismissed": frozenset({"ready", "inserted"}),
    "superseded": frozenset(),
    "sent": frozenset(),
    "failed": frozenset(),
}
UNSENT = frozenset({"generating", "ready", "inserted"})
# Also one that was superseded while an agent had it in the composer: what they made of it is theirs to send.
SENDABLE = frozenset({"ready", "inserted", "dismissed", "superseded"})


class Writer(Protocol):
    """What writes drafts."""

    def draft_reply(
        self, inquiry_id: UUID, asked: AnalysisInput, *, category: str, instruction: str, spend_left: int | None
    ) -> AsyncGenerator[str | DraftedReply]:
        """The text as it is written, and at the end the whole of it. Raises RpcErrors."""


Parts = asyncio.Queue[str | DraftRecord | Exception]
"""The text as it is written; the last is the draft as stored, or why there is none."""


class Drafts:
    """Works with drafts for staff. What the AI writes is written to its end, also when nobody listens any more."""

    def __init__(self, database: Database, settings: Settings, writer: Writer) -> None:
        self._database = database
        self._settings = settings
        self._writer = writer
        self._writing: set[asyncio.Task[None]] = set()

    async def get(self, inquiry_id: UUID, principal: Principal) -> DraftRecord:
        """The newest draft. Raises PermissionDenied and NotFound."""
        require_staff(principal)
        found = await drafts.current(self._database, inquiry_id)
        if found is None:
            raise NotFound("There is no such inquiry, or it has no draft yet.")
        return found

    async def update(self, inquiry_id: UUID, number: int, state: str, principal: Principal) -> DraftRecord:
        """Move the draft on. Raises PermissionDenied, NotFound and FailedPrecondition (ILLEGAL_TRANSITION)."""
        require_staff(principal)
        async with self._database.transaction() as connection:
            await inquiries.lock(connection, inquiry_id)
            draft = await drafts.one(connection, inquiry_id, number)
            current = await drafts.current(connection, inquiry_id)
            if draft is None or current is None:
                raise NotFound("There is no such draft.")
            if draft.state == state and draft.number == current.number:
                return draft
            check_move(draft, state, BY_PEOPLE[draft.state] if draft.number == current.number else frozenset())
            moved = msgspec.structs.replace(draft, state=state)
            return await drafts.save(connection, moved, actor="agent", actor_id=_account(principal))

    async def regenerate(
        self, inquiry_id: UUID, instruction: str, principal: Principal
    ) -> AsyncIterator[str | DraftRecord]:
        """The new draft as it begins, its text as it is written, and the draft as stored.

        Raises PermissionDenied, InvalidArgument, NotFound, and what the AI service raises.
        """
        require_staff(principal)
        wrong = list(text.violations("instruction", instruction, LONGEST_INSTRUCTION, shortest=0))
        if wrong:
            raise InvalidArgument("The instruction is not valid.", violations=wrong)
        begun, asked, category = await self._begin(inquiry_id, instruction, principal)
        parts: Parts = asyncio.Queue()
        task = asyncio.create_task(self._write(begun, asked, category, parts))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        yield begun
        while isinstance(part := await parts.get(), str):
            yield part
        if isinstance(part, Exception):
            raise part
        yield part

    async def close(self) -> None:
        """Stop writing; what is not finished becomes failed by time."""
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _begin(
        self, inquiry_id: UUID, instruction: str, principal: Principal
    ) -> tuple[DraftRecord, AnalysisInput, str]:
        actor_id = _account(principal)
        async with self._database.transaction() as connection:
            inquiry = await inquiries.lock(connection, inquiry_id)
            if inquiry is None:
                raise NotFound("There is no such inquiry.")
            await supersede(connection, inquiry_id, actor="agent", actor_id=actor_id)
            numbers = await messages.numbers(connection, inquiry_id)
            begun = await drafts.begin(
                connection,
                inquiry_id,
                revision=numbers.last_of_customer,
                instruction=instruction,
                actor_id=actor_id,
            )
            asked = await context.analysis_input(connection, inquiry_id)
        if begun is None or asked is None:
            raise LookupError("the inquiry was there a moment ago, and locked")
        return begun, asked, inquiry.category or ""

    async def _write(self, begun: DraftRecord, asked: AnalysisInput, category: str, parts: Parts) -> None:
        try:
            parts.put_nowait(await self._finish(begun, await self._reply(begun, asked, category, parts)))
        except Exception as error:
            reason, usage = "internal", Usage()
            if isinstance(error, RpcError):
                reason, usage = error.reason.lower(), Usage(**spent(error))
            else:
                log.error("draft_failed", inquiry_id=str(begun.inquiry_id), exc_info=error)
            try:
                await self._settle(msgspec.structs.replace(begun, state="failed", reason=reason), usage)
            except RpcError as unreachable:  # then it becomes failed by time
                log.warning("draft_not_settled", inquiry_id=str(begun.inquiry_id), cause=unreachable.reason)
            parts.put_nowait(error)

    async def _reply(self, begun: DraftRecord, asked: AnalysisInput, category: str, parts: Parts) -> DraftedReply:
        loop = asyncio.get_running_loop()
        answers = await sources.answers(self._database, begun.inquiry_id)
        asked = msgspec.structs.replace(asked, sources=[*answers, *asked.sources][:MOST_SOURCES])
        so_far, due = "", loop.time() + PROGRESS_SECONDS
        written = self._writer.draft_reply(
            begun.inquiry_id,
            asked,
            category=category,
            instruction=begun.instruction,
            spend_left=spend_left(self._settings, asked.spent_micros),
        )
        async with aclosing(written) as stream:
            async for part in stream:
                if isinstance(part, DraftedReply):
                    return part
                so_far += part
                parts.put_nowait(part)
                if loop.time() >= due:
                    await drafts.progress(self._database, begun.inquiry_id, begun.number, so_far)
                    due = loop.time() + PROGRESS_SECONDS
        raise LookupError("a Writer ends with the whole draft or raises")

    async def _finish(self, begun: DraftRecord, reply: DraftedReply) -> DraftRecord:
        finished = msgspec.structs.replace(
            begun,
            state="ready",
            body=reply.text,
            model=reply.model,
            reason=None if reply.instruction_followed else NOT_UNDERSTOOD,
            cited=reply.cited,
            missing=reply.missing,
            masked=reply.masked,
        )
        return await self._settle(finished, reply.usage)

    async def _settle(self, ended: DraftRecord, usage: Usage) -> DraftRecord:
        # What has taken the draft's place meanwhile stays; what writing it has cost, counts in any case.
        async with self._database.transaction() as connection:
            await spending.add(connection, usage)
            inquiry = await inquiries.lock(connection, ended.inquiry_id)
            draft = await drafts.one(connection, ended.inquiry_id, ended.number)
            if inquiry is None or draft is None:  # erased
                return msgspec.structs.replace(ended, state="superseded", body="", instruction="")
            if draft.state != "generating":
                return draft
            return await drafts.save(connection, ended, actor="ai")


def check_move(draft: DraftRecord, after: str, allowed: frozenset[str]) -> None:
    """Raise FailedPrecondition (ILLEGAL_TRANSITION), naming what is allowed, unless the draft may become `after`."""
    if after in allowed:
        return
    legal = ", ".join(sorted(allowed))
    raise FailedPrecondition(
        f"Draft {draft.number} is {draft.state} and cannot become {after}; "
        + (f"it can become: {legal}." if legal else "it can become nothing else."),
        reason="ILLEGAL_TRANSITION",
        metadata={"from": draft.state, "to": after, "legal": legal},
    )


async def supersede(
    connection: Connection, inquiry_id: UUID, *, actor: str, actor_id: UUID | None
) -> DraftRecord | None:
    """Something newer takes the place of the draft of a locked inquiry; returns that draft, if it was still unsent."""
    current = await drafts.current(connection, inquiry_id)
    if current is None or current.state not in UNSENT:
        return None
    superseded = msgspec.structs.replace(current, state="superseded")
    return await drafts.save(connection, superseded, actor=actor, actor_id=actor_id)


def _account(principal: Principal) -> UUID | None:
    return UUID(principal.account_id) if principal.account_id else None
