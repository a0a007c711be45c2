"""What queries return: plain values, no rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class CategoryScore(msgspec.Struct, frozen=True):
    """One category with its probability in [0, 1]."""

    category: str
    confidence: float


class Match(msgspec.Struct, frozen=True):
    """One reason why an inquiry was found; see the contract."""

    kind: str
    excerpt: str = ""
    similarity: float | None = None


class InquiryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An inquiry as far as a view reads it; what it does not read is None or empty."""

    id: UUID
    number: int
    status: str
    create_time: datetime
    update_time: datetime
    category: str | None = None
    priority: str | None = None
    triage_state: str | None = None
    language: str | None = None
    submitter_id: UUID | None = None
    customer_name: str = ""
    customer_email: str = ""
    subject: str = ""
    message: str = ""
    snippet: str = ""
    external_id: str | None = None
    triage_reason: str | None = None
    priority_reason: str | None = None
    suggested_category: str | None = None
    category_confidence: float | None = None
    alternatives: list[dict[str, Any]] = []
    sentiment: str | None = None
    sentiment_score: float | None = None
    assignee_id: UUID | None = None
    tags: list[str] = []
    human_versions: dict[str, int] = {}
    version: int = 0
    first_response_time: datetime | None = None
    resolve_time: datetime | None = None
    consent_version: str | None = None
    consent_time: datetime | None = None
    tracking_version: int = 1
    draft: str | None = None
    run: dict[str, Any] | None = None
    matches: tuple[Match, ...] = ()


class AnalysisInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the AI is told. `conversation` holds number, author and body, oldest first, without notes.

    `sources`, which a reply may build on, are as the contract has them. `spent_micros` is what the AI has cost today,
    None if nothing.
    """

    number: int
    customer_name: str
    subject: str
    knowledge_version: int
    spent_micros: int | None
    conversation: list[dict[str, Any]]
    sources: list[dict[str, str]]


class ClaimedJob(AnalysisInput, frozen=True, kw_only=True):
    """A job that was just claimed, with what its analysis needs."""

    inquiry_id: UUID
    claim: int
    crashes: int
    ai_crashes: int

    @property
    def alone(self) -> bool:
        """It may end the process that works on it: nothing else should be in there."""
        return self.crashes > 0 or self.ai_crashes > 1


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What the AI has taken; the cost in millionths of the currency of the provider's prices."""

    cost_micros: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Embedded(msgspec.Struct, frozen=True):
    """Embeddings of one encoder: 512 little-endian half-precision numbers each."""

    embeddings: list[bytes]
    encoder_version: str


class Candidate(msgspec.Struct, frozen=True):
    """An inquiry that one source of a search has found; `similarity` in [0, 1] where the source measures it."""

    id: UUID
    number: int
    similarity: float | None = None


class Reasons(msgspec.Struct, frozen=True):
    """In which parts of an inquiry some of the words stand, with the parts; empty where they do not."""

    id: UUID
    name: str
    email: str
    subject: str
    text: str


class SimilarRecord(msgspec.Struct, frozen=True):
    """A resolved inquiry that means nearly the same, with the last reply that was sent, if any."""

    inquiry: InquiryRecord
    similarity: float
    reply: str
    reply_time: datetime | None


class Unembedded(msgspec.Struct, frozen=True):
    """An inquiry that has no embedding yet; `written` is what its customer wrote, cut as encoders read it."""

    id: UUID
    written: str


class DraftedReply(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that the AI has finished. `model` and `masked` are kept as they are."""

    text: str
    model: dict[str, Any]
    usage: Usage
    fallback: str
    instruction_followed: bool
    cited: list[str]
    missing: list[str]
    masked: list[dict[str, Any]]


class HeldJob(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed job, locked, with the fields of its inquiry that a result may change and the keys it may set."""

    inquiry_id: UUID
    claim: int
    requested_revision: int
    claimed_revision: int
    attempt: int
    triage_state: str
    category: str | None
    suggested_category: str | None
    category_confidence: float | None
    alternatives: list[dict[str, Any]]
    sentiment: str | None
    sentiment_score: float | None
    priority: str
    priority_reason: str | None
    language: str | None
    human_versions: dict[str, int]
    taxonomy: list[str]


class Category(msgspec.Struct, frozen=True):
    """One category of the taxonomy; `position` is its place in the display order, from 1."""

    key: str
    name_es: str
    name_en: str
    description: str
    examples: list[str]
    active: bool
    position: int
    version: int
