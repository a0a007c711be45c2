"""What the AI has decided about an inquiry, and how people take it back or ask again."""

from typing import Any, NamedTuple, Protocol
from uuid import UUID

from inquiry_service.domain.analysis import Analysis
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.settings import Settings
from inquiry_service.domain.triage import spend_left
from inquiry_service.storage import context, decisions, inquiries, spending, triage_requests
from inquiry_service.storage.database import Database
from inquiry_service.storage.decisions import RunRecord
from inquiry_service.storage.records import AnalysisInput, InquiryRecord, Usage
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, InvalidArgument, NotFound, RpcError
from runtime.rpc.spent import spent

DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 20, 100
FIRST_PAGE = 2**63 - 1
POSITION_BYTES = 8
RETRIAGE_LANE = 1
PROVIDERS = ("auto", "embedded", "openai")

# What a run sets, and the field that says whether a person has set it since.
UNDOABLE = {
    "category": "category",
    "sentiment": "sentiment",
    "sentiment_score": "sentiment",
    "priority": "priority",
    "priority_reason": "priority",
    "language": "language",
}


class Analyst(Protocol):
    """What analyses."""

    async def analyze(
        self, inquiry_id: UUID, asked: AnalysisInput, *, provider: str, spend_left: int | None
    ) -> Analysis:
        """What `provider` makes of it. Raises RpcErrors."""


class RunPage(NamedTuple):
    """Newest first; the token is empty at the end."""

    items: list[RunRecord]
    next_page_token: str


class Decisions:
    """Reads and takes back decisions for staff."""

    def __init__(self, database: Database, settings: Settings, tokens: PageTokens, analyst: Analyst) -> None:
        self._database = database
        self._settings = settings
        self._tokens = tokens
        self._analyst = analyst

    async def list(self, inquiry_id: UUID, size: int, page_token: str, principal: Principal) -> RunPage:
        """A page of decision records. Raises PermissionDenied, InvalidArgument, NotFound."""
        require_staff(principal)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = ("runs", inquiry_id)
        before = int.from_bytes(self._tokens.open(page_token, *binding)) if page_token else FIRST_PAGE
        items, more = await decisions.runs(self._database, inquiry_id, before=before, size=limit)
        if not items and not await decisions.exists(self._database, inquiry_id):
            raise NotFound("There is no such inquiry.")
        position = items[-1].claim.to_bytes(POSITION_BYTES) if more else b""
        return RunPage(items, self._tokens.seal(position, *binding) if more else "")

    async def retriage(self, inquiry_id: UUID, principal: Principal) -> tuple[InquiryRecord, bool]:
        """Queue the inquiry after what is live, and say whether that was new. Raises PermissionDenied and NotFound."""
        require_staff(principal)
        async with self._database.transaction() as connection:
            queued = await triage_requests.request_again(
                connection, inquiry_id, lane=RETRIAGE_LANE, actor_id=_account(principal)
            )
        return await self._found(inquiry_id), queued

    async def undo(self, inquiry_id: UUID, claim: int, principal: Principal) -> InquiryRecord:
        """Give the fields that a run has set, and nobody has changed since, their values from before it.

        Raises PermissionDenied, NotFound and FailedPrecondition (NOTHING_TO_UNDO).
        """
        require_staff(principal)
        async with self._database.transaction() as connection:
            inquiry = await inquiries.lock(connection, inquiry_id)
            if inquiry is None:
                raise NotFound("There is no such inquiry.")
            run = await decisions.hold_run(connection, inquiry_id, claim)
            if run is None:
                raise NotFound("There is no such run.")
            changes = taken_back(inquiry, run)
            restored = changes.get("category", [None, None])[1]
            if restored and not await inquiries.is_active_category(connection, restored):
                changes["category"][1] = None
            values = {name: getattr(inquiry, name) for name in (*UNDOABLE, "suggested_category", "triage_state")}
            values |= {name: after for name, (_, after) in changes.items()}
            asked = {"inquiry_id": inquiry_id, "claim": claim, "actor_id": _account(principal)}
            await decisions.undo(connection, {**values, **asked, "event_body": {"run": claim, "changes": changes}})
        return await self._found(inquiry_id)

    async def dry_run(self, inquiry_id: UUID, provider: str, principal: Principal) -> Analysis:
        """What a provider would say of the inquiry. Nothing changes but what the AI has cost today.

        Raises PermissionDenied, InvalidArgument, NotFound, and what the AI service raises.
        """
        require_staff(principal)
        if provider not in PROVIDERS:
            raise InvalidArgument.field("provider", f"Must be one of: {', '.join(PROVIDERS)}.")
        asked = await context.analysis_input(self._database, inquiry_id)
        if asked is None:
            raise NotFound("There is no such inquiry.")
        left = spend_left(self._settings, asked.spent_micros)
        try:
            analysis = await self._analyst.analyze(inquiry_id, asked, provider=provider, spend_left=left)
        except RpcError as error:
            await self._count(Usage(**spent(error)))
            raise
        await self._count(analysis.usage)
        return analysis

    async def _count(self, usage: Usage) -> None:
        async with self._database.transaction() as connection:
            await spending.add(connection, usage)

    async def _found(self, inquiry_id: UUID) -> InquiryRecord:
        found = await inquiries.for_staff(self._database, inquiry_id)
        if found is None:
            raise NotFound("There is no such inquiry.")
        return found


def taken_back(inquiry: InquiryRecord, run: RunRecord) -> dict[str, list[Any]]:
    """What taking a run back changes: field → [before, after]; pure. Raises FailedPrecondition (NOTHING_TO_UNDO).

    A category that is taken back becomes a suggestion to review.
    """
    changed = {} if run.outcome == "undone" else run.changes or {}
    changes = {
        name: [after, before]
        for name, (before, after) in changed.items()
        if name in UNDOABLE and UNDOABLE[name] not in inquiry.human_versions and getattr(inquiry, name) == after
    }
    if not changes:
        raise FailedPrecondition("This run has set nothing that is still as it set it.", reason="NOTHING_TO_UNDO")
    reviewed = {}
    if "category" in changes and inquiry.triage_state == "done":
        reviewed = {"suggested_category": changes["category"][0], "triage_state": "needs_review"}
    return changes | {name: [getattr(inquiry, name), after] for name, after in reviewed.items()}


def _account(principal: Principal) -> UUID | None:
    return UUID(principal.account_id) if principal.account_id else None
