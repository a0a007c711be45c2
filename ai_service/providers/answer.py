"""How a chat model's answer is read: its form, whole or as it comes, and what no draft may hold."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec

from ai_service.analysis import Inquiry, Priority, Sentiment
from ai_service.priority import REASONS
from ai_service.providers.chat import alias
from ai_service.providers.failure import bad_answer

MAX_DRAFT = 5_000
REPEATED = 8
"""Words in a row that a draft and the instructions may not share."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_DRAFT)]
Missing = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=200)], ...], msgspec.Meta(max_length=20)]

_FENCE = re.compile(r"\A\s*```(?:json)?\s*|\s*```\s*\Z")
_LINK = re.compile(
    r"\b(?:https?://|www\.)[^\s\"'<>)\]]+|\b(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}/[^\s\"'<>)\]]+", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_BEGINNING = re.compile(r'\A\s*(?:```(?:json)?\s*)?\{\s*"draft"\s*:\s*"')
_CHARACTERS = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_HALF_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")


class ScoredCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One category with the model's own probability."""

    category: str
    confidence: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The model's answer, as the schema demands it."""

    categories: Annotated[tuple[ScoredCategory, ...], msgspec.Meta(min_length=1, max_length=50)]
    sentiment: Sentiment
    sentiment_score: Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]
    priority: Priority
    priority_reason: str
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
    missing: Missing = ()
    cited: tuple[str, ...] = ()
    draft: Text

    def __post_init__(self) -> None:
        if self.priority_reason not in REASONS:
            raise ValueError("not one of the reasons")


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A draft, as the schema demands it."""

    draft: Text
    missing: Missing = ()
    cited: tuple[str, ...] = ()


Read = TypeVar("Read", Answer, Reply)


def read(content: str, kind: type[Read]) -> Read:
    """The answer in `content`; raises Failure (PROVIDER_BAD_ANSWER) saying what is wrong with it."""
    try:
        return msgspec.json.decode(_FENCE.sub("", content), type=kind)
    except msgspec.ValidationError:
        raise bad_answer("wrong_form") from None
    except msgspec.DecodeError:
        raise bad_answer("not_json") from None


def cited(aliases: Iterable[str], inquiry: Inquiry) -> tuple[str, ...]:
    """The ids of the sources that are meant; what names none is passed over."""
    ids = {alias(index): source.id for index, source in enumerate(inquiry.sources)}
    return tuple(dict.fromkeys(ids[name] for name in aliases if name in ids))


class Screen:
    """What no draft may hold: links but those of the sources, and the instructions."""

    def __init__(self, instructions: Iterable[str]) -> None:
        self._instructions = {run for text in instructions for run in _runs(text)}

    def check(self, draft: str, inquiry: Inquiry) -> None:
        """Raise Failure (PROVIDER_BAD_ANSWER) if it does."""
        if any(run in self._instructions for run in _runs(draft)):
            raise bad_answer("leak")
        allowed = {_bare(link) for source in inquiry.sources for link in _LINK.findall(source.text)}
        if any(_bare(link) not in allowed for link in _LINK.findall(draft)):
            raise bad_answer("link")


class Streamed:
    """The draft inside a JSON answer, as it comes."""

    def __init__(self) -> None:
        self.content = ""
        self.draft = ""
        self._at: int | None = None

    def take(self, piece: str) -> str:
        """What has come of the draft; nothing before its first character and after its last."""
        self.content += piece
        if self._at is None:
            begun = _BEGINNING.match(self.content)
            if begun is None:
                return ""
            self._at = begun.end()
        found = _CHARACTERS.match(self.content, self._at)
        assert found  # noqa: S101 - it matches nothing as well
        written = _HALF_PAIR.sub("", found[0])
        self._at += len(written)
        text: str = json.loads(f'"{written}"', strict=False)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self.draft += text
        return text


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[at : at + REPEATED]) for at in range(len(words) - REPEATED + 1)}


def _bare(link: str) -> str:
    return link.rstrip(".,;:!?").casefold()
