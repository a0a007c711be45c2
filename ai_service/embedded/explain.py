"""Which phrases speak for a category: how far its probability falls when one is left out."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ai_service.analysis import SUBJECT, Author, Inquiry

MOST = 24
"""Phrases that are tried; of more, the first and the last ones, where customers say what they want."""
SHOWN = 8
FEWEST_WORDS = 3
LEAST = 0.01
"""Phrases that move the probability by less say nothing."""

_CLAUSE = re.compile(r"[^.!?;,:…\n]+[.!?;,:…\n]*")
_WORD = re.compile(r"\S+")


class Span(NamedTuple):
    """A part of one text: `turn` indexes the conversation (SUBJECT: the subject), offsets are code points."""

    turn: int
    start: int
    end: int


class Phrase(NamedTuple):
    """A span and by how much the probability falls without it."""

    span: Span
    weight: float


def spans(inquiry: Inquiry) -> list[Span]:
    """The phrases of what the customer wrote that are worth trying."""
    found = [Span(turn, start, end) for turn, text in _texts(inquiry) for start, end in _phrases(text)]
    if len(found) > MOST:
        found = found[: MOST // 2] + found[-MOST // 2 :]
    return found


def without(inquiry: Inquiry, span: Span) -> str:
    """Everything the customer wrote but this span."""
    return "\n".join(
        text[: span.start] + text[span.end :] if turn == span.turn else text for turn, text in _texts(inquiry)
    )


def weighed(tried: Sequence[Span], before: float, after: Sequence[float]) -> list[Phrase]:
    """The phrases that matter, the weightiest first."""
    phrases = [Phrase(span, before - share) for span, share in zip(tried, after, strict=True)]
    phrases = [phrase for phrase in phrases if abs(phrase.weight) >= LEAST]
    return sorted(phrases, key=lambda phrase: -abs(phrase.weight))[:SHOWN]


def _texts(inquiry: Inquiry) -> list[tuple[int, str]]:
    texts = [(SUBJECT, inquiry.subject)] if inquiry.subject else []
    return texts + [(i, turn.text) for i, turn in enumerate(inquiry.conversation) if turn.author is Author.CUSTOMER]


def _phrases(text: str) -> Iterator[tuple[int, int]]:
    """Clauses, the very short ones joined to the next; a text of one clause is cut into runs of words."""
    start: int | None = None
    clauses: list[tuple[int, int]] = []
    for match in _CLAUSE.finditer(text):
        start = match.start() if start is None else start
        if len(_WORD.findall(text[start : match.end()])) >= FEWEST_WORDS:
            clauses.append((start, match.end()))
            start = None
    if start is not None:
        clauses.append((start, len(text)))
    for begin, end in clauses if len(clauses) > 1 else ():
        yield _trimmed(text, begin, end)
    if len(clauses) == 1:
        words = list(_WORD.finditer(text, *clauses[0]))
        for first in range(0, len(words), FEWEST_WORDS):
            run = words[first : first + FEWEST_WORDS]
            yield run[0].start(), run[-1].end()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
