"""Labelled texts that a head remembers: the nearest vote, and tell apart what no straight line does."""

import numpy as np
from numpy.typing import NDArray

from ai_service.embedded import wording
from ai_service.embedded.softmax import Numbers

DIRECTIONS = 128
"""Numbers of each remembered text; all 512 of its embedding do hardly better."""
NEARNESS = 45.0
"""A text at a cosine of 0.9 counts a ninetieth of one that is the same."""
LOUDNESS = 0.3
"""What the votes count beside the logits."""
FAINT = 1e-4
"""Share of the most votes that every label has, so that none is impossible."""


class Memory:
    """`cases` are rows of DIRECTIONS small integers, `columns` their labels, `counts` what each of them counts."""

    def __init__(
        self, directions: Numbers, cases: NDArray[np.int8], columns: NDArray[np.uint8], counts: Numbers, labels: int
    ) -> None:
        self.directions, self.cases, self.columns, self.counts = directions, cases, columns, counts
        self._cases = _unit(cases.astype(np.float32))
        self._votes = np.eye(labels, dtype=np.float32)[columns] * counts[:, None]

    def votes(self, embeddings: Numbers) -> Numbers:
        """What to add to the logits of each label, for one embedding or rows of them."""
        likeness = _unit(embeddings @ self.directions) @ self._cases.T
        votes = np.exp(NEARNESS * (likeness - 1)) @ self._votes
        return np.asarray(LOUDNESS * np.log(votes + FAINT * votes.max(-1, keepdims=True)), np.float32)


def remember(
    x: Numbers, columns: NDArray[np.intp], counts: NDArray[np.float64], labels: int, worded: Numbers
) -> Memory:
    """Remember texts by the directions in which what their embeddings `x` mean, without the wording, differs most."""
    meant = wording.without(x, worded)
    directions = np.linalg.eigh(meant.T @ meant)[1][:, -DIRECTIONS:].astype(np.float32)
    cases = meant @ directions
    cases = np.rint(127 * cases / np.abs(cases).max(1, keepdims=True)).astype(np.int8)
    directions = wording.without(directions.T, worded).T
    return Memory(directions, cases, columns.astype(np.uint8), counts.astype(np.float32), labels)


def _unit(rows: Numbers) -> Numbers:
    """Each row at length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6), np.float32)
