"""Figures of a classifier, from its probabilities and the right labels."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.softmax import Numbers

BINS = 10
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(6, 20))


class Measured(NamedTuple):
    """How good the probabilities of some texts are."""

    texts: int
    first: float
    """Share in which the first choice is the label."""
    two: float
    """Share in which one of the first two is."""
    first_or_also: float
    """Share in which the first choice is the label or the second category that is right as well."""
    macro_f1: float
    calibration_error: float
    coverage: float
    """Share with a confidence at the threshold or above."""
    precision: float
    """How many of those are right."""


def measured(
    shares: Numbers, labels: Sequence[str], truth: Sequence[str], also: Sequence[str | None], threshold: float = 0.5
) -> Measured:
    """All figures; `labels` names the columns."""
    right, second, accepted = hits(shares, labels, truth, also)
    confidence = shares.max(1)
    sure = confidence >= threshold
    return Measured(
        len(right),
        float(right.mean()),
        float((right | second).mean()),
        float(accepted.mean()),
        macro_f1(shares, labels, truth),
        calibration_error(confidence, right),
        float(sure.mean()),
        float(right[sure].mean()) if sure.any() else 1.0,
    )


def hits(
    shares: Numbers, labels: Sequence[str], truth: Sequence[str], also: Sequence[str | None]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Per text: is the first choice right, is the second, is the first right or the category that would do as well."""
    names, asked = np.array(labels), np.array(truth)
    order = np.argsort(-shares, axis=1)
    first, second = names[order[:, 0]], names[order[:, 1]]
    right = first == asked
    return right, second == asked, right | (first == np.array([one or "" for one in also]))


def macro_f1(shares: Numbers, labels: Sequence[str], truth: Sequence[str]) -> float:
    """The mean of the labels' F1, of those that occur."""
    return float(np.mean([found.f1 for found in by_label(shares, labels, truth).values() if found.texts]))


class LabelFigures(NamedTuple):
    """How well one label is recognised."""

    texts: int
    precision: float
    recall: float
    f1: float


def by_label(shares: Numbers, labels: Sequence[str], truth: Sequence[str]) -> dict[str, LabelFigures]:
    """The figures of each label."""
    given, asked = np.array(labels)[shares.argmax(1)], np.array(truth)
    found = {}
    for label in labels:
        both, one, other = ((given == label) & (asked == label)).sum(), (given == label).sum(), (asked == label).sum()
        found[label] = LabelFigures(
            int(other), float(both / max(one, 1)), float(both / max(other, 1)), float(2 * both / max(one + other, 1))
        )
    return found


def calibration_error(confidence: Numbers, right: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten equal bins."""
    return float(sum(share * abs(hit - mean) for share, mean, hit in reliability(confidence, right)))


def reliability(confidence: Numbers, right: NDArray[np.bool_]) -> list[tuple[float, float, float]]:
    """Per bin of confidence with texts in it: its share of texts, its mean confidence, how many are right."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (float((bins == one).mean()), float(confidence[bins == one].mean()), float(right[bins == one].mean()))
        for one in np.unique(bins)
    ]


def confusion(shares: Numbers, labels: Sequence[str], truth: Sequence[str]) -> list[list[int]]:
    """Rows: the right label; columns: the first choice."""
    counts = Counter(zip(truth, np.array(labels)[shares.argmax(1)], strict=True))
    return [[counts[row, column] for column in labels] for row in labels]


def thresholds(confidence: Numbers, right: NDArray[np.bool_]) -> list[tuple[float, float, float]]:
    """Per threshold: how many of the texts at or above it are right, and which share of all texts that is."""
    table = []
    for threshold in THRESHOLDS:
        sure = confidence >= threshold
        if sure.any():
            table.append((threshold, float(right[sure].mean()), float(sure.mean())))
    return table
