"""Fits heads: logistic regressions on embeddings and on pieces of words, added up; confidence from unseen sources."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from ai_service.embedded.encoder import VERSION, Embeddings, prepare
from ai_service.embedded.encoding import load_model
from ai_service.embedded.eval import measures
from ai_service.embedded.grams import BUCKETS, Grams
from ai_service.embedded.memory import Memory, remember
from ai_service.embedded.softmax import Numbers, softmax
from ai_service.embedded.training.rows import Row

TEMPERATURES = np.geomspace(0.3, 4.0, 81)
EMBEDDING_C, GRAMS_C = 1.0, 8.0
SHARE = 0.6
"""What the pieces of words count beside the embedding; of 0.4 to 1.0, more suits our own texts, less suits others."""
LEAST_RARE = 0.1
"""Of pieces of words that nearly every text has."""
WORDINGS = 64
"""Directions of the wording; half as many or twice as many do as well."""
SECOND_LABEL = 0.3
"""What of a text's weight goes to the second category that would be right as well."""


class Sample(NamedTuple):
    """Texts as a head reads them."""

    x: Embeddings
    grams: scipy.sparse.csr_matrix

    def at(self, rows: np.ndarray) -> "Sample":
        """Some of them."""
        return Sample(self.x[rows], self.grams[rows])


class Fit(NamedTuple):
    """A trained head; `temperature` divides its logits."""

    labels: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    grams: np.ndarray
    memory: Memory
    wording: Numbers
    temperature: float = 1.0

    def logits(self, sample: Sample) -> Numbers:
        """One column per label, before the temperature."""
        return np.asarray(self.by_meaning(sample.x) + sample.grams @ self.grams, np.float32)

    def by_meaning(self, x: Embeddings) -> Numbers:
        """The same by the embeddings alone."""
        return np.asarray(x @ self.weights + self.bias + self.memory.votes(x), np.float32)


def sample(rows: Sequence[Row]) -> Sample:
    """Read the texts as the service does."""
    read = [Grams(row.text) for row in rows]
    indptr = np.cumsum([0, *(len(grams.buckets) for grams in read)])
    matrix = scipy.sparse.csr_matrix(
        (np.concatenate([g.weights for g in read]), np.concatenate([g.buckets for g in read]), indptr),
        shape=(len(rows), BUCKETS),
    )
    return Sample(encoded([prepare(row.text) for row in rows]), matrix)


def encoded(texts: list[str]) -> Embeddings:
    """Their embeddings, which are kept among the temporary files: a thousand take seconds."""
    name = hashlib.sha256("\0".join([VERSION, *texts]).encode(errors="replace")).hexdigest()[:32]
    kept = Path(tempfile.gettempdir()) / f"pok-embeddings-{name}.npy"
    if not kept.exists():
        np.save(kept, load_model().encode(texts))
    return np.asarray(np.load(kept), np.float32)


def fit(data: Sample, labels: Sequence[str], seconds: Sequence[str | None], weights: np.ndarray,
        remembered: np.ndarray, wording: Numbers) -> Fit:  # fmt: skip
    """A head that learns from these texts, each of its weight, and remembers some of them."""
    y = np.array(labels)
    twice = np.array([row for row, second in enumerate(seconds) if second], int)
    rows = np.concatenate([np.arange(len(y)), twice])
    split = np.where([bool(second) for second in seconds], 1 - SECOND_LABEL, 1.0)
    targets = np.concatenate([y, np.array([seconds[row] for row in twice], y.dtype)])
    shares = np.concatenate([weights * split, weights[twice] * SECOND_LABEL])
    by_meaning = LogisticRegression(C=EMBEDDING_C, max_iter=500).fit(data.x[rows], targets, shares)
    bias, grams = by_meaning.intercept_.copy(), np.zeros((BUCKETS, len(by_meaning.classes_)), np.float32)
    rarity = _rarity(data.grams)
    told = (data.grams @ scipy.sparse.diags(rarity)).tocsr()[rows]
    for column, label in enumerate(by_meaning.classes_):  # one against all others: better here, and faster
        one = LogisticRegression(C=GRAMS_C, solver="liblinear", tol=1e-2)
        one.fit(told, targets == label, shares)
        grams[:, column] = SHARE * rarity * one.coef_[0]
        bias[column] += SHARE * one.intercept_[0]
    names = by_meaning.classes_
    columns = np.searchsorted(names, y[remembered])
    memory = remember(data.x[remembered], columns, weights[remembered], len(names), wording)
    return Fit(names, by_meaning.coef_.T.astype(np.float32), bias, grams, memory, wording)


def wording_of(x: Embeddings, intents: Sequence[str]) -> Numbers:
    """The directions in which embeddings of the same intent differ most, for `ai_service.embedded.wording`.

    Each is as long as makes messages differ in it no more than in the next one. An intent counts as the root of the
    number of its texts does.
    """
    _, of, counts = np.unique(intents, return_inverse=True, return_counts=True)
    inside = scipy.sparse.csr_matrix((1 / counts[of], (of, np.arange(len(of)))))
    away = (x - (inside @ x)[of]) / np.sqrt(np.sqrt(counts[of]))[:, None]
    spread, directions = np.linalg.eigh(away.T @ away)
    shorter = np.sqrt(1 - spread[-WORDINGS - 1] / spread[-WORDINGS:])
    return np.asarray(directions[:, -WORDINGS:] * shorter, np.float32)


def _rarity(grams: scipy.sparse.csr_matrix) -> np.ndarray:
    """How lightly each piece of words may weigh: the fewer texts have it, the more it says; on average as it is."""
    texts, buckets = grams.shape
    having = np.bincount(grams.indices, minlength=buckets) + 1
    found = np.maximum(np.log(texts / having), LEAST_RARE)
    return found / np.average(found, weights=having)


def temperature(groups: Sequence[tuple[Numbers, np.ndarray]]) -> float:
    """The temperature with which confidence is least wrong where it is most so, of groups of logits and right columns.

    Not the most probable one: it suits the larger groups, and is too sure of the others.
    """

    def worst(value: float) -> float:
        shares = [softmax(logits / value) for logits, _ in groups]
        return max(
            measures.calibration_error(found.max(1), found.argmax(1) == truth)
            for found, (_, truth) in zip(shares, groups, strict=True)
        )

    return float(min(TEMPERATURES, key=worst))


def save(path: Path, fitted: Fit) -> None:
    """Write what `head.load` reads; half precision is enough."""
    memory = fitted.memory
    np.savez_compressed(
        path,
        labels=fitted.labels.astype(str),
        weights=fitted.weights.astype(np.float16),
        bias=fitted.bias.astype(np.float32),
        grams=fitted.grams.astype(np.float16),
        directions=memory.directions.astype(np.float16),
        cases=memory.cases,
        columns=memory.columns,
        counts=memory.counts.astype(np.float16),
        wording=fitted.wording.astype(np.float16),
        temperature=np.float32(fitted.temperature),
    )
