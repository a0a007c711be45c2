"""A head: linear in a text's embedding and in its words, beside what it remembers; its temperature makes it honest."""

from collections.abc import Sequence
from importlib import resources

import msgspec
import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.encoder import Embedding, Embeddings
from ai_service.embedded.grams import Grams
from ai_service.embedded.memory import Memory
from ai_service.embedded.softmax import Numbers, softmax


class Head:
    """Turns one text into a probability per label."""

    def __init__(
        self,
        labels: Sequence[str],
        weights: Embeddings,
        bias: Embedding,
        grams: NDArray[np.float16],
        memory: Memory,
        wording: Numbers,
        temperature: float,
    ) -> None:
        self.labels = tuple(labels)
        self._columns = {label: column for column, label in enumerate(self.labels)}
        self._weights = weights
        self._bias = bias
        self._grams = grams
        self._memory = memory
        self.wording = wording
        """What `corrections` are compared without."""
        self.temperature = temperature

    def log_shares(self, embedding: Embedding, words: Grams | None, among: Sequence[str]) -> dict[str, float]:
        """The logarithm of how probable each label of `among` is, all of which it has learnt; they share all of it.

        Without its words, where only the embedding was kept, by the embedding alone.
        """
        if not among:
            return {}
        logits = embedding @ self._weights + self._bias + self._memory.votes(embedding)
        if words:
            logits = logits + words.weights @ self._grams[words.buckets].astype(np.float32)
        shares = softmax(logits[[self._columns[label] for label in among]] / self.temperature)
        return dict(zip(among, np.log(shares + 1e-9).tolist(), strict=True))

    def probabilities(self, embedding: Embedding, words: Grams) -> dict[str, float]:
        """How probable each label is."""
        found = self.log_shares(embedding, words, self.labels)
        return {label: float(np.exp(value)) for label, value in found.items()}


class ThresholdPoint(msgspec.Struct, frozen=True):
    """How many categories with this confidence or more are right, and which share of inquiries has it."""

    threshold: float
    precision: float
    coverage: float


def thresholds() -> list[ThresholdPoint]:
    """What thresholds of the category's confidence are worth, as measured when the weights were trained."""
    text = resources.files("ai_service.embedded").joinpath("weights/thresholds.json").read_bytes()
    return msgspec.json.decode(text, type=list[ThresholdPoint])


def load(name: str) -> Head:
    """Read the head `name` from the committed weights, as `training/train.py` writes them."""
    file = resources.files("ai_service.embedded").joinpath(f"weights/{name}.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        labels = [str(label) for label in arrays["labels"]]
        return Head(
            labels=labels,
            weights=arrays["weights"].astype(np.float32),
            bias=arrays["bias"].astype(np.float32),
            grams=arrays["grams"],
            memory=Memory(
                directions=arrays["directions"].astype(np.float32),
                cases=arrays["cases"],
                columns=arrays["columns"],
                counts=arrays["counts"].astype(np.float32),
                labels=len(labels),
            ),
            wording=arrays["wording"].astype(np.float32),
            temperature=float(arrays["temperature"]),
        )
