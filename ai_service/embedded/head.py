"""A head: a logistic regression on the encoder's embeddings, with a temperature that makes its confidence honest."""

from collections.abc import Sequence
from importlib import resources

import numpy as np

from ai_service.embedded.encoder import Embedding, Embeddings


class Head:
    """Turns one embedding into a probability per label."""

    def __init__(self, labels: Sequence[str], weights: Embeddings, bias: Embedding, temperature: float) -> None:
        self.labels = tuple(labels)
        self._columns = {label: column for column, label in enumerate(self.labels)}
        self._weights = weights
        self._bias = bias
        self._temperature = temperature

    def probabilities(self, embedding: Embedding, among: Sequence[str]) -> dict[str, float]:
        """How probable each label of `among` is, most probable first, adding up to 1; labels never learnt are left out.

        Empty where the head knows none of them.
        """
        known = [label for label in among if label in self._columns]
        if not known:
            return {}
        columns = [self._columns[label] for label in known]
        logits = (embedding @ self._weights[:, columns] + self._bias[columns]) / self._temperature
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")
        return {known[index]: float(shares[index]) for index in order}


def load(name: str) -> Head:
    """Read the head `name` from the committed weights, as `training/train.py` writes them."""
    file = resources.files("ai_service.embedded").joinpath(f"weights/{name}.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Head(
            labels=[str(label) for label in arrays["labels"]],
            weights=arrays["weights"].astype(np.float32),
            bias=arrays["bias"].astype(np.float32),
            temperature=float(arrays["temperature"]),
        )
