"""What corrections gain: so many of each category are decided, and the rest of the business is measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ai_service.embedded import corrections, head, wording
from ai_service.embedded.corrections import Corrections
from ai_service.embedded.eval.report import Table
from ai_service.embedded.softmax import Numbers, softmax
from ai_service.embedded.training import held_out
from ai_service.embedded.training.fitting import Sample
from ai_service.embedded.training.held_out import Unseen
from ai_service.embedded.training.rows import CORPUS, Row

TAUGHT = (5, 10, 20)
TRIES = 5
FEWEST_PER_CLASS = 12
"""Texts of each category that a business must have to be taught with."""
COLUMNS = (
    "of",
    "corrections per category",
    "businesses",
    "messages measured, of each",
    "before",
    "after",
    "gain of the worst business",
    "of its worst draw",
    "standard error of that",
)


class _Draw(NamedTuple):
    """One choice of what is decided: how many of the rest come out right, and how sure it is what that gains."""

    measured: int
    before: float
    after: float
    error: float

    @property
    def gain(self) -> float:
        return self.after - self.before


def table(rows: Sequence[Row], data: Sample, unseen: Unseen, labels: Sequence[str], public: Sequence[str]) -> Table:
    """Of each public source, which is one business, and of the industries of the corpus that are large enough."""
    scale = head.load("category").temperature
    before = np.log(softmax(unseen.logits / scale) + 1e-9)
    by_meaning = np.log(softmax(unseen.by_meaning / scale) + 1e-9)
    truth = np.searchsorted(labels, [row.category or "" for row in rows])
    place = np.array([row.family if row.source != CORPUS else row.industry for row in rows])
    group = held_out.groups(rows)

    def drawn(business: str, count: int) -> list[_Draw]:
        inside = np.flatnonzero(place == business)
        texts = wording.read(data.x, unseen.wordings[group[inside[0]]])
        parts = [_parts(inside, truth, count, draw) for draw in range(TRIES)]
        return [_draw(*part, truth, before, by_meaning, texts, labels) for part in parts if part is not None]

    large = [one for one in sorted({row.industry for row in rows if row.source == CORPUS})
             if np.bincount(truth[place == one], minlength=len(labels)).min() >= FEWEST_PER_CLASS]  # fmt: skip
    found = Table(
        "Learning from corrections", COLUMNS, [],
        f"Means of {TRIES} draws of what is corrected; of the corpus an industry in all its languages is one business.",
    )  # fmt: skip
    for name, businesses in [(one, [one]) for one in public] + [("industries of the corpus", large)]:
        for count in TAUGHT:
            if draws := [several for one in businesses if (several := drawn(one, count))]:
                found.rows.append((name, count, *_summary(draws)))
    return found


def _summary(businesses: Sequence[Sequence[_Draw]]) -> tuple[int, int, float, float, float, float, float]:
    every = [draw for draws in businesses for draw in draws]
    worst = min(every, key=lambda draw: draw.gain)
    return (
        len(businesses),
        round(np.mean([draw.measured for draw in every])),
        float(np.mean([draw.before for draw in every])),
        float(np.mean([draw.after for draw in every])),
        min(float(np.mean([draw.gain for draw in draws])) for draws in businesses),
        worst.gain,
        worst.error,
    )


def _parts(inside: np.ndarray, truth: np.ndarray, count: int, draw: int) -> tuple[np.ndarray, np.ndarray] | None:
    """What is decided and what is left to be measured, unless that is too little."""
    shuffled = np.random.default_rng(draw).permutation(inside)
    decided = np.concatenate([shuffled[truth[shuffled] == column][:count] for column in range(truth.max() + 1)])
    rest = np.setdiff1d(inside, decided)
    if len(rest) < len(inside) / 3:
        return None
    return np.random.default_rng(draw).permutation(decided), rest


def _draw(
    decided: np.ndarray, rest: np.ndarray, truth: np.ndarray, before: Numbers, by_meaning: Numbers,
    texts: wording.Texts, labels: Sequence[str],
) -> _Draw:  # fmt: skip
    learnt = corrections.learn(texts.at(decided), truth[decided], by_meaning[decided], tuple(labels), Corrections())
    was = before[rest].argmax(1) == truth[rest]
    now = learnt.applied(before[rest], texts.at(rest)).argmax(1) == truth[rest]
    changed = now.astype(float) - was
    return _Draw(len(rest), float(was.mean()), float(now.mean()), float(changed.std() / np.sqrt(len(rest))))
