"""What people's decisions teach: near look-alikes follow them at once, the rest as far as it proves to help."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.softmax import Numbers, fit, softmax

PER_CATEGORY = 200
"""The newest decisions of each category take part."""
USUAL = 10.0
STRENGTHS = (USUAL, 30.0, 3.0, 0.0)
"""How much the decisions may shift, the usual first; at 0 nothing is learnt."""
FOLDS = 5
ALIKE, SAME = 0.55, 0.75
"""The likeness from which a decision speaks for an inquiry, and at which it speaks as loud as it may.

Within one business the closest case is of the same category in 63% of the pairs at 0.5 to 0.6, in 90% at 0.65 and more.
"""
LOUDEST = 0.85


class Corrections(NamedTuple):
    """What was learnt: for each of `keys` what to add to its logit, by number of the embedding and once for all."""

    keys: tuple[str, ...] = ()
    weights: Numbers = np.zeros((513, 0), np.float32)
    strength: float = USUAL
    judged: int = 0
    """How many decisions there were when the strength was chosen."""
    cases: Numbers = np.zeros((0, 512), np.float32)
    labels: NDArray[np.intp] = np.zeros(0, np.intp)
    """The decisions that take part, and which of `keys` each has."""

    def applied(self, logits: Numbers, embedding: Numbers) -> Numbers:
        """Probabilities of `keys`, from their logits without decisions."""
        shares = softmax(logits + _with_one(embedding[None])[0] @ self.weights)
        likeness = self.cases @ embedding
        heard = np.clip((likeness - ALIKE) / (SAME - ALIKE), 0.0, 1.0)
        if not heard.any():
            return shares
        votes = np.bincount(self.labels, weights=heard**2, minlength=len(self.keys))
        loudness = LOUDEST * heard.max()
        return np.asarray((1 - loudness) * shares + loudness * votes / votes.sum(), np.float32)


def learn(
    embeddings: Numbers, labels: NDArray[np.intp], before: Numbers, keys: Sequence[str], last: Corrections
) -> Corrections:
    """Fit to decisions, oldest first: `labels` are columns of `before`, which holds the logits of `keys` without them.

    The strength is the one with which decisions come out best that the fit did not see, so that learning does no harm;
    it is chosen anew when there are a tenth more or fewer of them than when the `last` was.
    """
    rows = newest(labels, len(keys))
    if not rows:
        return Corrections(tuple(keys), np.zeros((513, len(keys)), np.float32))
    x, y, offset = _with_one(embeddings[rows]), np.eye(len(keys), dtype=np.float32)[labels[rows]], before[rows]
    strength, judged = last.strength, last.judged
    if abs(len(rows) - judged) > judged / 10:
        strength, judged = _best(x, y, offset), len(rows)
    weights = _fitted(x, y, offset, strength)
    return Corrections(tuple(keys), weights, strength, judged, embeddings[rows], labels[rows])


def newest(labels: NDArray[np.intp], categories: int) -> list[int]:
    """The rows that take part, oldest first: of each category the newest."""
    return sorted(int(row) for column in range(categories) for row in np.flatnonzero(labels == column)[-PER_CATEGORY:])


def _best(x: Numbers, y: Numbers, offset: Numbers) -> float:
    scores = [_score(x, y, offset, strength) for strength in STRENGTHS]
    return STRENGTHS[int(np.argmax(scores))]  # the first of equals, so that the very first decisions count


def _score(x: Numbers, y: Numbers, offset: Numbers, strength: float) -> float:
    """How many decisions come out right when the fit has not seen them; among equals, how sure it is of them."""
    part = np.arange(len(x)) % min(FOLDS, len(x))
    after = offset.copy()
    for fold in set(part) if len(x) > 1 else ():
        out = part == fold
        after[out] += x[out] @ _fitted(x[~out], y[~out], offset[~out], strength)
    right = after.argmax(1) == y.argmax(1)
    sure = np.log((softmax(after) * y).sum(1) + 1e-6)
    return float(right.mean() + 1e-3 * sure.mean())


def _fitted(x: Numbers, y: Numbers, offset: Numbers, strength: float) -> Numbers:
    return fit(x, y, weight=np.ones(len(x), np.float32), strength=strength, offset=offset)


def _with_one(x: Numbers) -> Numbers:
    return np.hstack([x, np.ones((len(x), 1), np.float32)]).astype(np.float32)
