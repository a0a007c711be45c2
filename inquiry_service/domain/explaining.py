"""Why the embedded model gives an inquiry its category, in terms of what people know: messages and references."""

from typing import Protocol
from uuid import UUID

import msgspec

from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.vocabulary import reference
from inquiry_service.storage import categories, context, inquiries
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import AnalysisInput, CategoryScore
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument, NotFound


class Phrase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of one text and its weight. `turn` is its place in the conversation that was asked about; -1 = subject."""

    turn: int
    start: int
    end: int
    weight: float


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case of known category: an inquiry, or else the text of an example."""

    inquiry_id: UUID | None
    text: str
    category: str
    similarity: float
    reference: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What the model answers."""

    category: str
    categories: list[CategoryScore]
    phrases: list[Phrase]
    cases: list[Case]
    learned_share: float


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A phrase where people find it: the message of this number, 0 = the subject."""

    message: int
    start: int
    end: int
    text: str
    weight: float


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told."""

    explained: Explained
    phrases: list[Said]
    cases: list[Case]


class Explainer(Protocol):
    """What explains."""

    async def explain(self, inquiry_id: UUID, asked: AnalysisInput, category: str) -> Explained:
        """Why this category, or the most probable one. Raises RpcErrors."""


class Explaining:
    """Explains to staff."""

    def __init__(self, database: Database, explainer: Explainer) -> None:
        self._database = database
        self._explainer = explainer

    async def explain(self, inquiry_id: UUID, category: str, principal: Principal) -> Explanation:
        """Why this category, or the most probable one. Changes nothing and costs nothing.

        Raises PermissionDenied, InvalidArgument, NotFound, and what the AI service raises.
        """
        require_staff(principal)
        asked = await context.analysis_input(self._database, inquiry_id)
        if asked is None:
            raise NotFound("There is no such inquiry.")
        if category:
            known = await categories.by_key(self._database, category)
            if known is None or not known.active:
                raise InvalidArgument.field("category", "There is no such active category.")
        explained = await self._explainer.explain(inquiry_id, asked, category)
        # No case for itself; and what was erased a moment ago is none any more.
        ids = [case.inquiry_id for case in explained.cases if case.inquiry_id not in (None, inquiry_id)]
        titles = await inquiries.titles(self._database, ids) if ids else {}
        return Explanation(
            explained=explained,
            phrases=[_said(asked, phrase) for phrase in explained.phrases if phrase.turn < len(asked.conversation)],
            cases=[
                case if case.inquiry_id is None else _named(case, *titles[case.inquiry_id])
                for case in explained.cases
                if case.inquiry_id is None or case.inquiry_id in titles
            ],
        )


def _said(asked: AnalysisInput, phrase: Phrase) -> Said:
    number, text = 0, asked.subject
    if phrase.turn >= 0:
        turn = asked.conversation[phrase.turn]
        number, text = turn["number"], turn["body"]
    words = text[phrase.start : phrase.end]
    return Said(message=number, start=phrase.start, end=phrase.end, text=words, weight=phrase.weight)


def _named(case: Case, number: int, subject: str) -> Case:
    return msgspec.structs.replace(case, reference=reference(number), text=subject)
