"""What is asked of a chat model and how its answer is read: prompt, customer's text as data, schema, checks of form."""

from importlib import resources
from string import Template
from typing import Annotated, Any

import msgspec

from ai_service.analysis import Inquiry, Priority, Sentiment, Taxonomy
from ai_service.drafting import Order
from ai_service.priority import REASONS

PROMPT_VERSION = "1"
REPLY_PROMPT_VERSION = "1"
MAX_DRAFT = 5_000


class ScoredCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One category with the model's own probability."""

    category: str
    confidence: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model's answer, as the schema demands it."""

    categories: Annotated[tuple[ScoredCategory, ...], msgspec.Meta(min_length=1, max_length=50)]
    sentiment: Sentiment
    sentiment_score: Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]
    priority: Priority
    priority_reason: str
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    draft: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_DRAFT)]


class Message(msgspec.Struct, frozen=True):
    """What the model said, or why it did not."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One answer; `finish_reason` says whether it is whole."""

    message: Message
    finish_reason: str | None = None


class Tokens(msgspec.Struct, frozen=True):
    """What the call took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Delta(msgspec.Struct, frozen=True):
    """What the model says next, or why it does not."""

    content: str | None = None
    refusal: str | None = None


class Step(msgspec.Struct, frozen=True):
    """One answer of a stream; `finish_reason` stands in its last one."""

    delta: Delta
    finish_reason: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """The part of one piece of a streamed completion that is used here; the last one may hold the tokens alone."""

    choices: tuple[Step, ...] = ()
    model: str | None = None
    usage: Tokens | None = None


class Completion(msgspec.Struct, frozen=True):
    """The part of a chat completion that is used here."""

    choices: Annotated[tuple[Choice, ...], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: Tokens | None = None


def messages(inquiry: Inquiry, taxonomy: Taxonomy, prompt: Template) -> list[dict[str, str]]:
    """The instructions, and the inquiry as JSON, which no text inside it can leave."""
    listed = "\n".join(
        f"- {category.key}: {category.name_en}. {category.description}"
        + "".join(f"\n  e.g. {example}" for example in category.examples)
        for category in taxonomy.categories
    )
    return [
        {"role": "system", "content": prompt.substitute(categories=listed, reasons=", ".join(REASONS))},
        {"role": "user", "content": msgspec.json.encode(inquiry).decode()},
    ]


def reply_messages(inquiry: Inquiry, order: Order, prompt: str) -> list[dict[str, str]]:
    """The same for a draft: what the agent asks for stands beside the inquiry."""
    asked = {"inquiry": inquiry, "category": order.category, "instruction": order.instruction}
    return [
        {"role": "system", "content": prompt},
        {"role": "user", "content": msgspec.json.encode(asked).decode()},
    ]


def load_prompt(language: str) -> Template:
    """The instructions in `language` (en or es), with places for the categories and the reasons."""
    return Template(_prompt(f"analyze.{PROMPT_VERSION}.{language}"))


def load_reply_prompt(language: str) -> str:
    """The instructions for drafts in `language` (en or es)."""
    return _prompt(f"reply.{REPLY_PROMPT_VERSION}.{language}")


def response_format(taxonomy: Taxonomy) -> dict[str, Any]:
    """A strict JSON schema of Answer in which only keys of the taxonomy are categories."""
    scored = _object(category=_one_of(*taxonomy.keys), confidence={"type": "number"})
    answer = _object(
        categories={"type": "array", "items": scored},
        sentiment=_one_of(*Sentiment),
        sentiment_score={"type": "number"},
        priority=_one_of(*Priority),
        priority_reason=_one_of(*REASONS),
        language={"type": "string"},
        draft={"type": "string"},
    )
    return {"type": "json_schema", "json_schema": {"name": "analysis", "strict": True, "schema": answer}}


def read(content: str) -> Answer:
    """The answer in `content`; raises msgspec.DecodeError for what is not JSON or not of this form."""
    answer = msgspec.json.decode(content, type=Answer)
    if answer.priority_reason not in REASONS:
        raise msgspec.ValidationError("not one of the reasons")
    return answer


def _prompt(name: str) -> str:
    return resources.files("ai_service").joinpath(f"prompts/{name}.md").read_text(encoding="utf-8")


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": [str(value) for value in values]}
