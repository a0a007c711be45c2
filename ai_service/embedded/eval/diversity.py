"""How various the corpus is: what repeats itself teaches little, and flatters every figure."""

import itertools
from collections.abc import Sequence

import numpy as np

from ai_service.embedded.encoder import Embeddings
from ai_service.embedded.eval.report import Table
from ai_service.embedded.training.rows import Row

NEAR = 0.85
"""Cosine from which two messages say the same in nearly the same words."""


def table(rows: Sequence[Row], x: Embeddings) -> Table:
    """Per language: size, near duplicates, and how many pairs and triples of words occur only once."""
    found = Table(
        "Corpus",
        ("language", "messages", "industries", "with a near duplicate", "word pairs that are distinct", "word triples"),
        [],
        f"A near duplicate is another message of the language at a cosine of {NEAR} or more.",
    )
    spoken = np.array([row.lang for row in rows])
    for language in sorted(set(spoken)):
        inside = np.flatnonzero(spoken == language)
        some = [rows[row] for row in inside.tolist()]
        found.rows.append(
            (
                language,
                len(some),
                len({row.industry for row in some}),
                _near(x[inside]),
                _distinct(some, 2),
                _distinct(some, 3),
            )
        )
    return found


def _near(x: Embeddings) -> float:
    likeness = x @ x.T
    np.fill_diagonal(likeness, 0.0)
    return float((likeness.max(1) >= NEAR).mean())


def _distinct(rows: Sequence[Row], size: int) -> float:
    """Distinct runs of so many words, of all runs."""
    runs = [run for row in rows for run in _runs(row.text.casefold().split(), size)]
    return len(set(runs)) / len(runs)


def _runs(words: Sequence[str], size: int) -> itertools.chain[tuple[str, ...]]:
    return itertools.chain(zip(*(words[start:] for start in range(size)), strict=False))
