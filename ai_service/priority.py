"""How soon an agent should look: rules on category, sentiment and urgency cues, each with the reason it gives."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from ai_service.analysis import Priority, Sentiment

# The first rule that fits decides. A rule is a reason, its priority, and what must hold:
# a cue in the text, a category, a sentiment; an empty condition always holds.
_RULES: tuple[tuple[str, Priority, str, frozenset[str], Sentiment | None], ...] = (
    ("safety", Priority.URGENT, "safety", frozenset(), None),
    ("negative_fraud", Priority.URGENT, "", frozenset({"security_fraud"}), Sentiment.NEGATIVE),
    ("fraud", Priority.HIGH, "", frozenset({"security_fraud"}), None),
    ("fraud_words", Priority.HIGH, "theft", frozenset(), None),
    ("legal_threat", Priority.HIGH, "legal", frozenset(), None),
    ("negative_urgent_words", Priority.URGENT, "urgency", frozenset(), Sentiment.NEGATIVE),
    ("urgent_words", Priority.HIGH, "urgency", frozenset(), None),
    ("repeated_contact", Priority.HIGH, "repetition", frozenset(), Sentiment.NEGATIVE),
    ("outage", Priority.HIGH, "outage", frozenset({"technical_issue", "account_access"}), None),
    ("negative_billing", Priority.HIGH, "overcharge", frozenset({"billing_payment"}), Sentiment.NEGATIVE),
    ("positive_message", Priority.LOW, "", frozenset(), Sentiment.POSITIVE),
    ("neutral_general", Priority.LOW, "", frozenset({"general_other"}), Sentiment.NEUTRAL),
    ("neutral_feedback", Priority.LOW, "", frozenset({"complaint_feedback"}), Sentiment.NEUTRAL),
    ("negative_message", Priority.NORMAL, "", frozenset(), Sentiment.NEGATIVE),
    ("ordinary", Priority.NORMAL, "", frozenset(), None),
)

REASONS = tuple(rule[0] for rule in _RULES)
"""Every reason that a priority may have, the most pressing first."""


def prioritise(category: str | None, sentiment: Sentiment, text: str) -> tuple[Priority, str]:
    """The priority and its reason, one of REASONS; `category` None means that nobody is sure of one."""
    for reason, priority, cue, categories, feeling in _RULES:
        if (
            (not categories or category in categories)
            and feeling in (None, sentiment)
            and (not cue or _cues()[cue].search(text))
        ):
            return priority, reason
    raise AssertionError("the last rule holds always")


@cache
def _cues() -> Mapping[str, re.Pattern[str]]:
    """Per cue one pattern of all its phrases in all languages, matched as whole words in any case."""
    text = resources.files("ai_service").joinpath("cues.toml").read_text(encoding="utf-8")
    return {
        cue: re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)
        for cue, phrases in tomllib.loads(text).items()
    }
