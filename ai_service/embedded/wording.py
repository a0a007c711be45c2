"""How something is said, as far as embeddings tell: what is said is compared without the most of it.

`wording` has a column for each direction in which messages of one intent differ most, the longer the more of it is left
out; `training/fitting.py` measures it. Without columns, all of an embedding counts.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.softmax import Numbers

NONE: Numbers = np.zeros((512, 0), np.float32)
"""Where nothing is known of how people say things."""


class Texts(NamedTuple):
    """Embeddings, of length 1 and one row per text."""

    rows: Numbers
    worded: Numbers
    """How much of each direction of the wording is in them."""
    rest: Numbers
    """How long each is without the wording."""

    def at(self, rows: Sequence[int] | NDArray[np.intp]) -> "Texts":
        """Some of them."""
        return Texts(self.rows[rows], self.worded[rows], self.rest[rows])


class Likeness(NamedTuple):
    """Cosines of some texts (rows) with others (columns)."""

    said: Numbers
    """Of all that the embeddings hold."""
    meant: Numbers
    """Of what is left without the wording."""

    def among(self, rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> "Likeness":
        """Of some of the texts with some of the others."""
        chosen = np.ix_(rows, columns)
        return Likeness(self.said[chosen], self.meant[chosen])


def read(embeddings: Numbers, wording: Numbers) -> Texts:
    """Texts, ready to be compared with others."""
    worded = embeddings @ wording
    rest = np.sqrt(np.maximum(1 - np.square(worded).sum(1), 1e-6))
    return Texts(embeddings, worded, np.asarray(rest, np.float32))


def likeness(some: Texts, others: Texts) -> Likeness:
    """How much alike these texts and the others are."""
    said = some.rows @ others.rows.T
    meant = said - some.worded @ others.worded.T
    return Likeness(said, meant / (some.rest[:, None] * others.rest))


def without(embeddings: Numbers, wording: Numbers) -> Numbers:
    """The embeddings with the wording made so small that their products are those of what is meant."""
    left = np.sqrt(1 - np.square(wording).sum(0))
    return np.asarray(embeddings - (embeddings @ wording / (1 + left)) @ wording.T, np.float32)
