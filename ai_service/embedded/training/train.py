"""Train the category and the sentiment head and say how good they are: python -m ai_service.embedded.training.train.

DIR holds the JSON lines files that the model card lists. What lies in DIR/eval_only is measured, never learnt from.
"""

import argparse
import json
import random
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from ai_service.embedded.encoder import Embeddings, load_model, prepare

SEEDS = "seeds"
SEED_WEIGHT = 10.0
PER_SOURCE_AND_CLASS = 30  # more public rows made unseen businesses worse: 0.571 with 30, 0.556 with 100
CATEGORY_C, SENTIMENT_C = 1.0, 3.0
MEASURED_PER_CLASS = 300
TEMPERATURES = np.geomspace(0.2, 5.0, 81)


class Row(NamedTuple):
    """One labelled text."""

    text: str
    label: str
    source: str


class Sample(NamedTuple):
    """Embedded rows."""

    x: Embeddings
    y: np.ndarray
    source: np.ndarray

    def where(self, mask: np.ndarray) -> "Sample":
        """The rows that `mask` selects."""
        return Sample(self.x[mask], self.y[mask], self.source[mask])


class Fit(NamedTuple):
    """A trained head; `temperature` divides its logits."""

    labels: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    temperature: float = 1.0

    def logits(self, x: Embeddings) -> np.ndarray:
        """One column per label."""
        return (x @ self.weights + self.bias) / self.temperature


def main() -> None:
    """Train, measure, print, and write the weights."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True, metavar="DIR")
    arguments.add_argument("--out", type=Path, default=Path(str(resources.files("ai_service.embedded"))) / "weights")
    options = arguments.parse_args()
    category = train_category(options.data)
    save(options.out / "category.npz", category)
    sentiment = train_sentiment(options.data)
    save(options.out / "sentiment.npz", sentiment)


def train_category(data: Path) -> Fit:
    """The category head; its temperature comes from predictions on sources that were left out of training."""
    sample = embed(capped(read_all(data.glob("category_*.jsonl"), "category"), MEASURED_PER_CLASS))
    held_out = [left_out(sample, family) for family in sorted(set(map(family_of, sample.source)) - {SEEDS})]
    temperature = calibrate(held_out)
    print(f"category: leave one source out, temperature {temperature:.2f}")
    for family, logits, truth in held_out:
        report(family, logits, truth, temperature)
    fit = fit_category(sample)._replace(temperature=temperature)
    unseen = embed(capped(read_all(data.glob("eval_only/tickets*.jsonl"), "category"), MEASURED_PER_CLASS))
    report("tickets (never trained on)", fit.logits(unseen.x), indices(fit, unseen.y), 1.0)
    return fit


def left_out(sample: Sample, family: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Logits for one family of sources by a head that never saw it, and the right columns."""
    inside = np.array([family_of(source) == family for source in sample.source])
    fit = fit_category(sample.where(~inside))
    return family, fit.logits(sample.x[inside]), indices(fit, sample.y[inside])


def fit_category(sample: Sample) -> Fit:
    """Seed phrases count ten times; of each public source and class only the first few take part."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    weights = np.zeros(len(sample.y))
    for index, key in enumerate(zip(sample.source, sample.y, strict=True)):
        counts[key] += 1
        if key[0] == SEEDS:
            weights[index] = SEED_WEIGHT
        elif counts[key] <= PER_SOURCE_AND_CLASS:
            weights[index] = 1.0
    taken = weights > 0
    return fit_head(sample.where(taken), CATEGORY_C, weights[taken])


def train_sentiment(data: Path) -> Fit:
    """The sentiment head, from phrases written for this project; measured on real customers' tweets."""
    phrases = tomllib.loads(Path(__file__).with_name("sentiment_phrases.toml").read_text(encoding="utf-8"))
    rows = [
        Row(text, label, language)
        for language, by_label in phrases.items()
        for label, texts in by_label.items()
        for text in texts
    ]
    fit = fit_head(embed(rows), SENTIMENT_C, np.ones(len(rows)))
    tweets = embed(read_all(data.glob("eval_only/sentiment_*.jsonl"), "sentiment"))
    logits, truth = fit.logits(tweets.x), indices(fit, tweets.y)
    macro = f1_score(truth, logits.argmax(1), average="macro")
    print(f"sentiment: airline tweets (never trained on), n={len(truth)}, macro-F1 {macro:.3f}")
    return fit


def fit_head(sample: Sample, c: float, weights: np.ndarray) -> Fit:
    """A multinomial logistic regression with balanced classes."""
    model = LogisticRegression(C=c, max_iter=3_000, class_weight="balanced")
    model.fit(sample.x, sample.y, sample_weight=weights)
    return Fit(model.classes_, model.coef_.T, model.intercept_)


def calibrate(held_out: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> float:
    """The temperature with the least mean log loss, every source counting the same."""

    def loss(temperature: float) -> float:
        return float(np.mean([log_loss(logits / temperature, truth) for _, logits, truth in held_out]))

    return float(min(TEMPERATURES, key=loss))


def log_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean negative log-likelihood."""
    return float(-np.log(softmax(logits)[np.arange(len(truth)), truth] + 1e-12).mean())


def report(name: str, logits: np.ndarray, truth: np.ndarray, temperature: float) -> None:
    """Print accuracy of the first and the first two choices, and what the confidence is worth."""
    shares = softmax(logits / temperature)
    order = np.argsort(-shares, axis=1)
    right = order[:, 0] == truth
    two = right | (order[:, 1] == truth)
    sure = shares.max(1) >= 0.5
    precision = right[sure].mean() if sure.any() else float("nan")
    print(
        f"  {name:28} n={len(truth):4}  first {right.mean():.3f}  first two {two.mean():.3f}"
        f"  ECE {calibration_error(shares.max(1), right):.3f}"
        f"  at >= 0.5: {sure.mean():.2f} of cases, precision {precision:.2f}"
    )


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten equal bins."""
    bins = np.minimum((confidence * 10).astype(int), 9)
    return float(
        sum((bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean()) for b in set(bins))
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row by row."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def indices(fit: Fit, labels: np.ndarray) -> np.ndarray:
    """The column of each label."""
    return np.searchsorted(fit.labels, labels)


def family_of(source: str) -> str:
    """Sources made by the same hands belong together: `multidogo_airline` and `multidogo_media` are one family."""
    return source.partition("_")[0]


def read_all(paths: Iterable[Path], field: str) -> list[Row]:
    """Every row of `paths` that has a value in `field`."""
    lines = (json.loads(line) for path in sorted(paths) for line in path.read_text(encoding="utf-8").splitlines())
    return [Row(line["text"], line[field], line["source"]) for line in lines if line.get(field)]


def capped(rows: list[Row], limit: int) -> list[Row]:
    """At most `limit` rows per source and class, chosen by a fixed shuffle."""
    shuffled = random.Random(7).sample(rows, len(rows))
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in shuffled:
        groups[row.source, row.label].append(row)
    return [row for group in groups.values() for row in group[:limit]]


def embed(rows: list[Row]) -> Sample:
    """Encode as the service does."""
    x = load_model().encode([prepare(row.text) for row in rows])
    return Sample(x, np.array([row.label for row in rows]), np.array([row.source for row in rows]))


def save(path: Path, fit: Fit) -> None:
    """Write what `head.read` reads; half precision is enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        labels=fit.labels.astype(str),
        weights=fit.weights.astype(np.float16),
        bias=fit.bias.astype(np.float16),
        temperature=np.float32(fit.temperature),
    )


if __name__ == "__main__":
    main()
