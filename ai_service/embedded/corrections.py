"""What people's decisions teach: near look-alikes follow them at once, the rest once that has proved to help."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.softmax import Numbers, fit, softmax
from ai_service.embedded.wording import NONE, Likeness, Texts, likeness, read

PER_CATEGORY = 200
"""The newest decisions of each category take part."""
FOLDS, FOLDS_OF_MANY, MANY = 10, 5, 500
"""Parts of the decisions of which each is left out once; of few decisions, every one that is not counts."""
LEAST = 0.02
"""The smallest probability that is told apart, so that one decision alone does not weigh more than many."""
SURE, SURELY_RIGHT = 1.0, 1.5
"""Standard errors that a gain must be above 0 to be believed, of probability and of first choices that are right.

With no more than one of first choices, learning cost single businesses three messages in a hundred.
"""
USUALLY_RIGHT, FEWEST_RIGHT = 0.6, 0.25
"""How many decisions the model is taken to have foreseen, at least: people correct more often than they confirm.

Where they confirm hardly anything, nothing can tell what else than look-alikes would do harm.
"""
SHARPNESSES = np.geomspace(0.7, 5.0, 20)
SHARES = (0.25, 0.5, 0.75, 1.0)
ALIKE, SAME = 0.55, 0.75
"""The likeness from which a decision speaks for an inquiry, and at which it speaks as loud as it may.

Within one business the closest case is of the same category in 63% of the pairs at 0.5 to 0.6, in 90% at 0.65 and more.
"""
LOUDEST = 0.85


class Manner(NamedTuple):
    """A way to learn: what the model knew counts `trust`, and a regression on the decisions is added to it.

    A decision reaches as far as `reach` in cosine of what is meant, and may shift the more the larger `strength`; at 0
    there is no regression.
    """

    trust: float = 1.0
    reach: float = 1.0
    strength: float = 0.0
    sharpness: float = 1.0
    """Multiplies the regression's logits, so that confidence stays honest."""
    share: float = 1.0
    """What the regression counts against what there would be without it."""
    votes: bool = False
    """Where there is no regression, the nearest decisions outvote what the model knew."""


NOTHING = Manner()
LOOK_ALIKES = Manner(votes=True)
PROVEN = (Manner(trust=0.5, reach=0.2, strength=10.0), Manner(trust=0.25, reach=0.5, strength=100.0))
"""What reaches further than look-alikes, and therefore has to prove itself."""


class Corrections(NamedTuple):
    """What was learnt for `keys`, and how."""

    keys: tuple[str, ...] = ()
    manner: Manner = LOOK_ALIKES
    judged: int = 0
    """How many decisions there were when the manner was chosen."""
    cases: Texts = read(np.zeros((0, 512), np.float32), NONE)
    labels: NDArray[np.intp] = np.zeros(0, np.intp)
    """The decisions that take part, and which of `keys` each has."""
    weights: Numbers = np.zeros((0, 0), np.float32)
    """What each decision adds to the logit of each of `keys`."""

    def applied(self, logits: Numbers, texts: Texts) -> Numbers:
        """Probabilities of `keys` for each text, from their logits without decisions."""
        return _shares(self.manner, logits, likeness(self.cases, texts), self.labels, self.weights)


def learn(
    decided: Texts, labels: NDArray[np.intp], before: Numbers, keys: Sequence[str], last: Corrections
) -> Corrections:
    """Fit to decisions, oldest first: `labels` are columns of `before`, which holds the logits of `keys` without them.

    The manner is the one with which decisions come out best that it has not seen, so that learning does no harm;
    it is chosen anew when there are a tenth more or fewer of them than when the `last` was.
    """
    rows = newest(labels, len(keys))
    if not rows:
        return Corrections(tuple(keys), cases=decided.at(rows))
    cases, taken, logits = decided.at(rows), labels[rows], before[rows]
    alike = likeness(cases, cases)
    manner, judged = last.manner, last.judged
    if abs(len(rows) - judged) > judged / 10:
        manner, judged = _best(alike, taken, logits), len(rows)
    return Corrections(tuple(keys), manner, judged, cases, taken, _weights(manner, alike, taken, logits))


def newest(labels: NDArray[np.intp], categories: int) -> list[int]:
    """The rows that take part, oldest first: of each category the newest."""
    return sorted(int(row) for column in range(categories) for row in np.flatnonzero(labels == column)[-PER_CATEGORY:])


def _best(alike: Likeness, labels: NDArray[np.intp], before: Numbers) -> Manner:
    """The manner that makes unseen decisions the most probable of which one can be sure; look-alikes until one does.

    Probabilities tell how much it helps with fewer decisions than first choices do, which must be right more often too.
    A small share of what reaches further is sure to help before all of it is.
    """
    foreseen = before.argmax(1) == labels
    weight = np.where(foreseen, _weight_of_right(float(foreseen.mean())), 1.0)

    def right(shares: Numbers) -> Numbers:
        return np.asarray((shares.argmax(1) == labels) - foreseen.astype(float), np.float32)

    def probable(shares: Numbers) -> Numbers:
        return np.asarray(np.log(np.maximum(shares[np.arange(len(labels)), labels], LEAST)), np.float32)

    found, usual = LOOK_ALIKES, _unseen(LOOK_ALIKES, alike, labels, before)
    if _gain(right(usual), weight) + SURE * _doubt(right(usual), weight) < 0:
        found, usual = NOTHING, softmax(before)
    votes, least = found.votes, 0.0
    for manner in PROVEN if foreseen.mean() >= FEWEST_RIGHT else ():
        honest = _honest(manner, alike, labels, before, weight)
        further = _unseen(honest, alike, labels, before)
        for share in SHARES:
            shares = _mixed(share, further, usual)
            gained = probable(shares) - probable(usual)
            sure = _gain(gained, weight) - SURE * _doubt(gained - gained.mean(), weight)
            helped = right(shares)
            if sure > least and _gain(helped, weight) > SURELY_RIGHT * _doubt(helped, weight):
                found, least = honest._replace(share=share, votes=votes), sure
    return found


def _gain(each: Numbers, weight: NDArray[np.float64]) -> float:
    return float((weight * each).sum())


def _doubt(each: Numbers, weight: NDArray[np.float64]) -> float:
    return float(np.sqrt((weight * each**2).sum()))


def _weight_of_right(share: float) -> float:
    """What each decision that was foreseen counts, so that together they are as many as usual."""
    return max(1.0, USUALLY_RIGHT / (1 - USUALLY_RIGHT) * (1 - share) / max(share, FEWEST_RIGHT))


def _honest(
    manner: Manner, alike: Likeness, labels: NDArray[np.intp], before: Numbers, weight: NDArray[np.float64]
) -> Manner:
    """The manner with the sharpness that makes unseen decisions most probable."""
    logits = np.log(_unseen(manner, alike, labels, before) + 1e-9)

    def surprise(sharpness: float) -> float:
        shares = softmax(sharpness * logits)[np.arange(len(labels)), labels]
        return float(-(weight * np.log(shares + 1e-9)).sum())

    return manner._replace(sharpness=float(min(SHARPNESSES, key=surprise)))


def _unseen(manner: Manner, alike: Likeness, labels: NDArray[np.intp], before: Numbers) -> Numbers:
    """Probabilities for each decision by what the others taught."""
    found = softmax(before)
    part = np.arange(len(labels)) % (FOLDS_OF_MANY if len(labels) >= MANY else FOLDS)
    for fold in set(part.tolist()) if len(labels) > 1 else ():
        out = part == fold
        weights = _weights(manner, alike.among(~out, ~out), labels[~out], before[~out])
        found[out] = _shares(manner, before[out], alike.among(~out, out), labels[~out], weights)
    return found


def _weights(manner: Manner, alike: Likeness, labels: NDArray[np.intp], before: Numbers) -> Numbers:
    if not manner.strength:
        return np.zeros((0, 0), np.float32)
    given = np.eye(before.shape[1], dtype=np.float32)[labels]
    return fit(_kernel(manner, alike), given, strength=manner.strength, offset=manner.trust * before)


def _shares(manner: Manner, before: Numbers, alike: Likeness, labels: NDArray[np.intp], weights: Numbers) -> Numbers:
    """Probabilities for texts (rows of `before`, columns of `alike`) by decisions (rows of all others)."""
    usual = _voted(softmax(before), alike.said, labels) if manner.votes else softmax(before)
    if not manner.strength:
        return usual
    logits = np.asarray(manner.trust * before + _kernel(manner, alike).T @ weights, np.float32)
    return _mixed(manner.share, softmax(np.float32(manner.sharpness) * logits), usual)


def _voted(shares: Numbers, likeness: Numbers, labels: NDArray[np.intp]) -> Numbers:
    """The shares, outvoted by look-alikes where there are any."""
    heard = np.clip((likeness - ALIKE) / (SAME - ALIKE), 0.0, 1.0).T
    votes = heard**2 @ np.eye(shares.shape[1], dtype=np.float32)[labels]
    voted = votes / np.maximum(votes.sum(1), 1e-9)[:, None]
    return _mixed(LOUDEST * heard.max(1, initial=0.0)[:, None], voted, shares)


def _mixed(share: float | Numbers, some: Numbers, others: Numbers) -> Numbers:
    return np.asarray(share * some + (1 - share) * others, np.float32)


def _kernel(manner: Manner, alike: Likeness) -> Numbers:
    """How much a decision speaks for a text: 1 where they mean the same, less the less they are alike."""
    return np.asarray(np.exp((alike.meant - 1) / manner.reach), np.float32)
