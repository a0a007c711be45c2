"""What the report says of labelled texts and the probabilities given to them."""

from collections.abc import Callable, Sequence

import numpy as np

from ai_service.analysis import Sentiment
from ai_service.embedded.eval import measures
from ai_service.embedded.eval.report import Table
from ai_service.embedded.softmax import Numbers
from ai_service.embedded.training.rows import Row
from ai_service.priority import prioritise

COLUMNS = (
    "of",
    "texts",
    "first choice",
    "first two",
    "first or what would do as well",
    "macro-F1",
    "calibration error",
    "share at ≥ 0.5",
    "right of those",
)


def overview(title: str, groups: Sequence[tuple[str, np.ndarray]], rows: Sequence[Row], shares: Numbers,
             labels: Sequence[str], note: str = "") -> Table:  # fmt: skip
    """The main figures of groups of rows."""
    table = Table(title, COLUMNS, [], note)
    for name, inside in groups:
        chosen = [rows[row] for row in np.flatnonzero(inside).tolist()]
        truth, also = [row.category or "" for row in chosen], [row.also for row in chosen]
        table.rows.append((name, *measures.measured(shares[inside], labels, truth, also)))
    return table


def languages(rows: Sequence[Row], inside: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """All of the rows, and those of each language."""
    spoken = np.array([row.lang for row in rows])
    return [("all", inside), *((one, inside & (spoken == one)) for one in sorted(set(spoken[inside])) if one)]


def details(name: str, rows: Sequence[Row], shares: Numbers, labels: Sequence[str]) -> list[Table]:
    """Per category, confusion, reliability, and what thresholds are worth."""
    truth = [row.category or "" for row in rows]
    right = np.array(labels)[shares.argmax(1)] == np.array(truth)
    confidence = shares.max(1)
    by_label = measures.by_label(shares, labels, truth)
    confused = measures.confusion(shares, labels, truth)
    return [
        Table(f"{name}: per category", ("category", "texts", "precision", "recall", "F1"),
              [(label, *figures) for label, figures in by_label.items()]),
        Table(f"{name}: confusion", ("right \\ given", *labels),
              [(label, *counts) for label, counts in zip(labels, confused, strict=True)]),
        Table(f"{name}: reliability", ("share of texts", "mean confidence", "right"),
              list(measures.reliability(confidence, right))),
        Table(f"{name}: coverage against precision", ("threshold", "right of those at or above it", "share of texts"),
              list(measures.thresholds(confidence, right))),
    ]  # fmt: skip


def sentiments(title: str, groups: Sequence[tuple[str, np.ndarray]], rows: Sequence[Row], shares: Numbers,
               labels: Sequence[str], note: str = "") -> Table:  # fmt: skip
    """Accuracy and macro-F1 of the sentiment."""
    table = Table(title, ("of", "texts", "right", "macro-F1"), [], note)
    for name, inside in groups:
        truth = [rows[row].sentiment or "" for row in np.flatnonzero(inside).tolist()]
        right = np.array(labels)[shares[inside].argmax(1)] == np.array(truth)
        table.rows.append((name, len(truth), float(right.mean()), measures.macro_f1(shares[inside], labels, truth)))
    return table


def priorities(rows: Sequence[Row], category: Callable[[int], str | None], sentiment: Callable[[int], str],
               title: str) -> Table:  # fmt: skip
    """How often rules and people agree; given what is known of the category and the sentiment of each row."""
    steps = ("low", "normal", "high", "urgent")
    given = [prioritise(category(row), Sentiment(sentiment(row)), text.text)[0].value for row, text in enumerate(rows)]
    table = Table(title, ("of", "texts", "the same", "one step off at most", "high or urgent found"), [])
    for name, inside in languages(rows, np.ones(len(rows), bool)):
        pairs = [
            (steps.index(given[row]), steps.index(rows[row].priority or "normal"))
            for row in np.flatnonzero(inside).tolist()
        ]
        pressing = [one >= 2 for one, other in pairs if other >= 2]
        table.rows.append(
            (name, len(pairs), float(np.mean([one == other for one, other in pairs])),
             float(np.mean([abs(one - other) <= 1 for one, other in pairs])), float(np.mean(pressing)))
        )  # fmt: skip
    return table
