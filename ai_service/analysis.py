"""What goes into an analysis and what comes out, and the checks that every provider's answer must pass."""

import math
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from runtime.rpc.spent import AMOUNTS

SUBJECT = -1
"""The turn index that stands for the subject line."""


class Author(StrEnum):
    """Who wrote a turn."""

    CUSTOMER = "customer"
    AGENT = "agent"


class Sentiment(StrEnum):
    """How the customer feels."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Priority(StrEnum):
    """How soon an agent should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class EntityKind(StrEnum):
    """What an extracted span is."""

    ORDER_NUMBER = "order_number"
    INVOICE_NUMBER = "invoice_number"
    AMOUNT = "amount"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"


class Turn(msgspec.Struct, frozen=True):
    """One message of the conversation."""

    author: Author
    text: str


class Source(msgspec.Struct, frozen=True):
    """A text of this installation that a draft may build on; category and language are empty where any fits."""

    id: str
    title: str
    text: str
    category: str = ""
    language: str = ""


class Inquiry(msgspec.Struct, frozen=True):
    """One inquiry as the AI sees it; `conversation` is oldest first and has at least one customer turn.

    `spend_left` is in millionths of the currency of the prices; None = any amount.
    """

    customer_name: str
    subject: str
    conversation: tuple[Turn, ...]
    spend_left: int | None = None
    sources: tuple[Source, ...] = ()
    reference: str = ""

    @property
    def customer_texts(self) -> tuple[str, ...]:
        """The customer's own turns, oldest first."""
        return tuple(turn.text for turn in self.conversation if turn.author is Author.CUSTOMER)

    @property
    def written(self) -> str:
        """Everything the customer wrote, the subject first."""
        return "\n".join(filter(None, (self.subject, *self.customer_texts)))

    @property
    def latest(self) -> str:
        """The customer's last turn, with the subject where it is the only one."""
        texts = self.customer_texts
        return texts[-1] if len(texts) > 1 else self.written


class Category(msgspec.Struct, frozen=True):
    """One category of the taxonomy; the description and examples are meant for the AI."""

    key: str
    name_es: str
    name_en: str
    description: str
    examples: tuple[str, ...] = ()


class Taxonomy(msgspec.Struct, frozen=True):
    """The active categories of this installation at one version; below the threshold (0 to 1) none is sure."""

    version: int
    categories: tuple[Category, ...]
    confidence_threshold: float = 0.7

    @property
    def keys(self) -> tuple[str, ...]:
        """Their keys in display order."""
        return tuple(category.key for category in self.categories)


class Decision(msgspec.Struct, frozen=True):
    """The category that a person set or confirmed for an inquiry, whose packed embedding comes with it."""

    inquiry_id: str
    category: str
    embedding: bytes
    encoder_version: str


class CategoryScore(msgspec.Struct, frozen=True):
    """One category with its probability."""

    category: str
    confidence: float


class Entity(msgspec.Struct, frozen=True):
    """One fact in the text: `turn` indexes the conversation (SUBJECT: the subject), offsets are code points."""

    kind: EntityKind
    value: str
    turn: int
    start: int
    end: int


class Model(msgspec.Struct, frozen=True):
    """What answered."""

    provider: str
    name: str
    prompt_version: str = ""


class Usage(msgspec.Struct, frozen=True):
    """What a run took; tokens and cost, in millionths of the currency of the prices, are 0 for the embedded model."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    duration_ms: float = 0.0

    def noted(self) -> Mapping[str, str]:
        """What the error of a run that failed says of it, as metadata."""
        return {name: str(amount) for name in AMOUNTS if (amount := getattr(self, name))}

    def __add__(self, other: "Usage") -> "Usage":
        """What both took together."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_micros + other.cost_micros,
            self.duration_ms + other.duration_ms,
        )


class Masked(msgspec.Struct, frozen=True):
    """How many different ones of a kind were hidden from a provider."""

    kind: str
    count: int


class Sent(msgspec.Struct, frozen=True):
    """What left this machine for a provider: the customer's words, and how much was hidden in them."""

    text: str = ""
    masked: tuple[Masked, ...] = ()


class Analysis(msgspec.Struct, frozen=True):
    """The result of one run; `categories` are most probable first."""

    categories: tuple[CategoryScore, ...]
    sentiment: Sentiment
    sentiment_score: float
    priority: Priority
    priority_reason: str
    language: str
    entities: tuple[Entity, ...]
    draft: str
    model: Model
    knowledge_version: int
    usage: Usage
    fallback: str = ""
    """Why another provider answered than the one that was asked for; empty if none did."""
    embedding: bytes = b""
    """Of everything the customer wrote, packed; a provider that makes none leaves it to the router."""
    encoder_version: str = ""
    cited: tuple[str, ...] = ()
    """Ids of the sources that the draft builds on."""
    missing: tuple[str, ...] = ()
    """What the customer has not said and an answer needs, in their language."""
    sent: Sent = Sent()
    uncorrected_category: str = ""
    """What would have been first without people's decisions; empty where the embedded model did not answer."""
    learned_share: float = 0.0
    """The weight of people's decisions in the probabilities, from 0 to 1."""


class WrongAnswer(ValueError):
    """A provider's answer breaks a rule of the contract; the message names the rule, never the text."""


def check(analysis: Analysis, taxonomy: Taxonomy) -> Analysis:
    """Return `analysis` unchanged, or raise WrongAnswer: nothing outside the taxonomy, no number outside its range."""
    keys = [score.category for score in analysis.categories]
    confidences = [score.confidence for score in analysis.categories]
    rules = {
        "there is at least one category": bool(keys),
        "every category is in the taxonomy": set(keys) <= set(taxonomy.keys),
        "no category stands twice": len(set(keys)) == len(keys),
        "confidences lie in [0, 1]": all(_within(value, 0.0, 1.0) for value in confidences),
        "confidences add up to at most 1": sum(confidences) <= 1.0 + 1e-3,
        "categories are most probable first": confidences == sorted(confidences, reverse=True),
        "the sentiment score lies in [-1, 1]": _within(analysis.sentiment_score, -1.0, 1.0),
        "the draft is not empty": bool(analysis.draft.strip()),
    }
    for rule, kept in rules.items():
        if not kept:
            raise WrongAnswer(f"broken rule: {rule}")
    return analysis


def _within(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high
