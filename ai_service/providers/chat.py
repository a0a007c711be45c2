"""What is asked of a chat model: instructions, the customer's text as data that it cannot leave, a strict schema."""

import re
from importlib import resources
from string import Template
from typing import Any

import msgspec

from ai_service.analysis import Inquiry, Priority, Sentiment, Taxonomy
from ai_service.drafting import Order
from ai_service.priority import REASONS

PROMPT_VERSION = "2"
"""Of all prompts; raise it with every change of one, and rename the files."""

# What chat templates take for a change of role, as some servers look for it in the text of a message as well.
_CONTROL = re.compile(r"[<>]|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+|IMG\w*|B_\w+|E_\w+)\])")

Messages = list[dict[str, str]]


class Prompts:
    """The instructions in one language (en or es)."""

    def __init__(self, language: str) -> None:
        self._analyze = Template(_read(f"analyze.{PROMPT_VERSION}.{language}"))
        self._reply = _read(f"reply.{PROMPT_VERSION}.{language}")
        self._correction = _read(f"correction.{PROMPT_VERSION}.{language}")

    @property
    def texts(self) -> tuple[str, ...]:
        """What no draft may repeat."""
        return self._analyze.template, self._reply, self._correction

    def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, again: bool) -> Messages:
        """What is asked of an analysis; `again`: the last answer could not be used."""
        listed = "\n".join(
            f"- {category.key}: {category.name_en}. {category.description}"
            + "".join(f"\n  e.g. {example}" for example in category.examples)
            for category in taxonomy.categories
        )
        system = self._analyze.substitute(categories=listed, reasons=", ".join(REASONS))
        return self._messages(system, _as_data(inquiry), again=again)

    def reply(self, inquiry: Inquiry, order: Order, *, again: bool) -> Messages:
        """The same for a draft: what the agent asks for stands beside the inquiry."""
        asked = {**_as_data(inquiry), "category": order.category, "instruction": order.instruction}
        return self._messages(self._reply, asked, again=again)

    def _messages(self, system: str, asked: dict[str, Any], *, again: bool) -> Messages:
        correction = [{"role": "user", "content": self._correction}] if again else []
        return [{"role": "system", "content": system}, {"role": "user", "content": fenced(asked)}, *correction]


def alias(index: int) -> str:
    """How a source is called outside: short, and without the ids of this installation."""
    return f"S{index + 1}"


def fenced(asked: Any) -> str:
    """JSON, which no text inside it can leave: neither by quotation marks nor by what a server takes for a role."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", msgspec.json.encode(asked).decode())


def analysis_format(inquiry: Inquiry, taxonomy: Taxonomy) -> dict[str, Any]:
    """A strict JSON schema in which only keys of the taxonomy are categories, and only what was given is a source."""
    scored = _object(category=_one_of(*taxonomy.keys), confidence={"type": "number"})
    return _format(
        "analysis",
        categories={"type": "array", "items": scored},
        sentiment=_one_of(*Sentiment),
        sentiment_score={"type": "number"},
        priority=_one_of(*Priority),
        priority_reason=_one_of(*REASONS),
        language={"type": "string"},
        **_support(inquiry),
        draft={"type": "string"},
    )


def reply_format(inquiry: Inquiry) -> dict[str, Any]:
    """The same for a draft, whose text comes first, since somebody waits for it."""
    return _format("reply", draft={"type": "string"}, **_support(inquiry))


def _support(inquiry: Inquiry) -> dict[str, Any]:
    cited = {"cited": _list_of(_one_of(*map(alias, range(len(inquiry.sources)))))} if inquiry.sources else {}
    return {"missing": _list_of({"type": "string"}), **cited}


def _as_data(inquiry: Inquiry) -> dict[str, Any]:
    return {
        "inquiry": {
            "customer_name": inquiry.customer_name,
            "subject": inquiry.subject,
            "conversation": inquiry.conversation,
        },
        "sources": [
            {"id": alias(index), "title": source.title, "text": source.text}
            for index, source in enumerate(inquiry.sources)
        ],
    }


def _read(name: str) -> str:
    return resources.files("ai_service").joinpath(f"prompts/{name}.md").read_text(encoding="utf-8")


def _format(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": _object(**properties)}}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": [str(value) for value in values]}
