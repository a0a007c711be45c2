"""The words of the domain, and how an inquiry is called."""

import re
from typing import Literal

Status = Literal["new", "open", "pending", "resolved", "closed", "spam"]
TriageState = Literal["queued", "running", "done", "needs_review", "failed"]
Sentiment = Literal["negative", "neutral", "positive"]
Priority = Literal["low", "normal", "high", "urgent"]

_REFERENCE = re.compile(r"\s*POK-(\d{1,18})\s*", re.IGNORECASE)


def reference(number: int) -> str:
    """What people call it."""
    return f"POK-{number}"


def number_of(text: str) -> int | None:
    """The number in a reference such as "pok-1042"; None for any other text."""
    match = _REFERENCE.fullmatch(text)
    return int(match[1]) if match else None
