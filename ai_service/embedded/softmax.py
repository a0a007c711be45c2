"""Multinomial logistic regression in numpy, small enough to be fitted while the service runs."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
"""One row per text; one column per number of its embedding, or per label."""

ROUNDS = 200
TOLERANCE = 5e-3
"""The fit is over when no weight would move by more than this."""


def softmax(logits: Numbers) -> Numbers:
    """Probabilities that add up to 1 in each row."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float32)


def fit(kernel: Numbers, y: Numbers, *, strength: float, offset: Numbers) -> Numbers:
    """One row of weights per text, so that the softmax of `offset` + `kernel` @ weights comes close to `y`.

    `kernel` says how much each text speaks for each other, `y` holds the share of each label; the larger `strength`,
    the less the weights are held near 0. By accelerated descent with a fixed step: no library for it, no tuning.
    """
    weights = np.zeros_like(y)
    curvature = 0.5 * strength * _largest(kernel) + 1.0
    momentum = (np.sqrt(curvature) - 1) / (np.sqrt(curvature) + 1)
    ahead = weights
    for _ in range(ROUNDS):
        slope = strength * (softmax(kernel @ ahead + offset) - y) + ahead
        moved = (ahead - slope / curvature).astype(np.float32)
        ahead = (moved + momentum * (moved - weights)).astype(np.float32)
        step = float(np.abs(moved - weights).max())
        weights = moved
        if step * curvature < TOLERANCE * np.sqrt(curvature):
            break
    return weights


def _largest(kernel: Numbers) -> float:
    """Above, but not far above, the largest eigenvalue."""
    direction = np.ones(len(kernel), np.float32)
    size = 0.0
    for _ in range(12):
        direction = kernel @ direction
        size = float(np.linalg.norm(direction))
        direction /= size
    return 1.1 * size
