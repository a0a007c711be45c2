"""Predictions for texts by heads that saw neither their industry nor, of public sets, anything by the same hands."""

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ai_service.embedded import wording
from ai_service.embedded.softmax import Numbers
from ai_service.embedded.training.fitting import Fit, Sample, fit, wording_of
from ai_service.embedded.training.rows import CORPUS, PHRASES, SEEDS, Row

FOLDS = 5
PUBLIC_PER_CLASS, PUBLIC_WEIGHT = 30, 0.5
OURS = {CORPUS: 1.0, SEEDS: 2.0, PHRASES: 4.0}
PLEASED = -0.25
"""Added to the logit of a positive sentiment: 18% are pleased in the corpus, fewer in life (11% of the tweets)."""
Label = Callable[[Row], str | None]


def category(row: Row) -> str | None:
    """What the category head learns."""
    return row.category


def sentiment(row: Row) -> str | None:
    """What the sentiment head learns."""
    return row.sentiment


def groups(rows: Sequence[Row]) -> np.ndarray:
    """What is held out together: a fifth of the corpus's industries, or a family of sources."""
    return np.array(
        [
            f"industries {zlib.crc32(row.industry.encode()) % FOLDS}" if row.source == CORPUS else row.family
            for row in rows
        ]
    )


def weights(rows: Sequence[Row]) -> np.ndarray:
    """Of each public source and class only the first few take part; our own texts all do."""
    seen: dict[tuple[str, str | None], int] = {}
    found = np.ones(len(rows))
    for place, row in enumerate(rows):
        if row.source in OURS:
            found[place] = OURS[row.source]
        else:
            key = (row.source, row.category)
            seen[key] = seen.get(key, 0) + 1
            found[place] = PUBLIC_WEIGHT if seen[key] <= PUBLIC_PER_CLASS else 0.0
    return found


def trained(rows: Sequence[Row], data: Sample, label: Label, inside: np.ndarray | None = None) -> Fit:
    """A head from the rows `inside` (all of them)."""
    known = np.ones(len(rows), bool) if inside is None else inside
    counted = weights(rows) * known
    taken = np.flatnonzero(counted > 0)
    labels = [label(rows[row]) or "" for row in taken]
    seconds = [rows[row].also if label is category else None for row in taken]
    ours = np.array([rows[row].source in OURS for row in taken])
    said = _wording(rows, data, known) if label is category else wording.NONE
    fitted = fit(data.at(taken), labels, seconds, counted[taken], ours, said)
    return fitted._replace(bias=fitted.bias + PLEASED * (fitted.labels == "positive"))


def _wording(rows: Sequence[Row], data: Sample, known: np.ndarray) -> Numbers:
    """By the intents of public sources, of which all texts take part: it matters how they differ, not from what."""
    having = np.flatnonzero(known & np.array([bool(row.raw) for row in rows]))
    if not len(having):
        return wording.NONE
    return wording_of(data.x[having], [f"{rows[row].source} {rows[row].raw}" for row in having])


class Unseen(NamedTuple):
    """Logits of texts by heads to which their group is unknown; columns are the sorted labels."""

    logits: Numbers
    by_meaning: Numbers
    """By the embeddings alone, which is all that is kept of a decided inquiry."""
    wordings: dict[str, Numbers]
    """Of each group, by what is outside it."""


def unseen(rows: Sequence[Row], data: Sample, label: Label) -> Unseen:
    """One row for each of `rows`."""
    group = groups(rows)
    width = len({label(row) for row in rows})
    found = Unseen(np.zeros((len(rows), width), np.float32), np.zeros((len(rows), width), np.float32), {})
    for one in sorted(set(group) - {SEEDS, PHRASES}):
        out = group == one
        fitted = trained(rows, data, label, ~out)
        part = data.at(np.flatnonzero(out))
        found.logits[out], found.by_meaning[out] = fitted.logits(part), fitted.by_meaning(part.x)
        found.wordings[one] = fitted.wording
    return found
