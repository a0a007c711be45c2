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


def fit(x: Numbers, y: Numbers, *, weight: Numbers, strength: float, offset: Numbers | float = 0.0) -> Numbers:
    """Weights that turn rows of `x` into what has to be added to `offset`, so that its softmax comes close to `y`.

    `y` holds the share of each label; the larger `strength`, the less the weights are held near 0.
    By accelerated descent with a fixed step, which needs no library for it and no tuning.
    """
    weights = np.zeros((x.shape[1], y.shape[1]), np.float32)
    scale = (strength * weight)[:, None].astype(np.float32)
    curvature = 0.5 * _largest(x, scale) + 1.0
    momentum = (np.sqrt(curvature) - 1) / (np.sqrt(curvature) + 1)
    ahead = weights
    for _ in range(ROUNDS):
        slope = x.T @ (scale * (softmax(x @ ahead + offset) - y)) + ahead
        moved = (ahead - slope / curvature).astype(np.float32)
        ahead = (moved + momentum * (moved - weights)).astype(np.float32)
        step = float(np.abs(moved - weights).max())
        weights = moved
        if step * curvature < TOLERANCE * np.sqrt(curvature):
            break
    return weights


def _largest(x: Numbers, scale: Numbers) -> float:
    """Above, but not far above, the largest eigenvalue of the scaled x'x."""
    direction = np.ones(x.shape[1], np.float32)
    size = 0.0
    for _ in range(12):
        direction = x.T @ (scale[:, 0] * (x @ direction))
        size = float(np.linalg.norm(direction))
        if size == 0.0:
            return 0.0
        direction /= size
    return 1.1 * size
