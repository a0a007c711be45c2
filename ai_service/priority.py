"""How soon an agent should look: rules on category, sentiment and urgency cues, each with the reason it gives."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from ai_service.analysis import Priority, Sentiment

_PAID = frozenset({"billing_payment", "returns_refunds", "orders_cancellations"})
"""Categories in which a sum of money in an unhappy message is one that the customer lacks."""
_WANTED = frozenset({"product_sales", "orders_cancellations", "billing_payment"})
"""Categories in which a pleased customer still wants something."""

# The first rule that fits decides. A rule is a reason, its priority, and what must hold:
# a cue in the text, a category, a sentiment; an empty condition always holds.
# What each is worth on our own corpus, by people's labels, stands in the evaluation's report.
_RULES: tuple[tuple[str, Priority, str, frozenset[str], Sentiment | None], ...] = (
    ("safety", Priority.URGENT, "safety", frozenset(), None),
    ("danger", Priority.URGENT, "danger", frozenset(), Sentiment.NEGATIVE),
    ("negative_fraud", Priority.URGENT, "", frozenset({"security_fraud"}), Sentiment.NEGATIVE),
    ("fraud_words", Priority.HIGH, "theft", frozenset(), None),
    ("fraud_question", Priority.NORMAL, "", frozenset({"security_fraud"}), Sentiment.NEUTRAL),
    ("legal_threat", Priority.HIGH, "legal", frozenset(), None),
    ("negative_urgent_words", Priority.URGENT, "urgency", frozenset(), Sentiment.NEGATIVE),
    ("urgent_words", Priority.HIGH, "urgency", frozenset(), None),
    ("repeated_contact", Priority.HIGH, "repetition", frozenset(), Sentiment.NEGATIVE),
    ("outage", Priority.HIGH, "outage", frozenset({"technical_issue", "account_access"}), None),
    ("overcharged", Priority.HIGH, "overcharge", frozenset(), Sentiment.NEGATIVE),
    ("negative_billing", Priority.HIGH, "", frozenset({"billing_payment"}), Sentiment.NEGATIVE),
    ("money_missing", Priority.HIGH, "amount", _PAID, Sentiment.NEGATIVE),
    ("date_near", Priority.HIGH, "date", frozenset(), Sentiment.NEGATIVE),
    ("long_wait", Priority.HIGH, "duration", frozenset(), Sentiment.NEGATIVE),
    ("shouting", Priority.HIGH, "capitals", frozenset(), Sentiment.NEGATIVE),
    ("pleased_request", Priority.NORMAL, "", _WANTED, Sentiment.POSITIVE),
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
            and (not cue or _holds(cue, text))
        ):
            return priority, reason
    raise AssertionError("the last rule holds always")


def _holds(cue: str, text: str) -> bool:
    return _shouts(text) if cue == "capitals" else _cues()[cue].search(text) is not None


def _shouts(text: str) -> bool:
    """More than a few words, nearly all of them in capitals."""
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 15 and sum(letter.isupper() for letter in letters) > 0.7 * len(letters)


@cache
def _cues() -> Mapping[str, re.Pattern[str]]:
    """Per cue one pattern of all its phrases in all languages, matched as whole words in any case."""
    text = resources.files("ai_service").joinpath("cues.toml").read_text(encoding="utf-8")
    return {
        cue: re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)
        for cue, phrases in tomllib.loads(text).items()
    }
