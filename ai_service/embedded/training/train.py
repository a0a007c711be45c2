"""Train the two heads anew: python -m ai_service.embedded.training.train --data DIR.

DIR holds the public sets that the model card lists, as JSON lines. `make eval` says how good the result is.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ai_service.embedded.eval import measures
from ai_service.embedded.softmax import softmax
from ai_service.embedded.training import held_out, rows
from ai_service.embedded.training.fitting import Fit, sample, save, temperature
from ai_service.embedded.training.rows import PHRASES, SEEDS, Row

WEIGHTS = Path(__file__).parents[1] / "weights"
READ_PER_CLASS = 300


def main() -> None:
    """Train, calibrate on what was held out, and write weights and the table of thresholds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True, metavar="DIR")
    options = arguments.parse_args()
    texts = [*rows.corpus(), *rows.public(options.data, READ_PER_CLASS)]
    category, table = trained(texts, held_out.category)
    save(WEIGHTS / "category.npz", category)
    (WEIGHTS / "thresholds.json").write_text(json.dumps(table) + "\n", encoding="utf-8")
    sentiment, _ = trained([*rows.corpus(), *rows.phrases()], held_out.sentiment)
    save(WEIGHTS / "sentiment.npz", sentiment)


def trained(texts: Sequence[Row], label: held_out.Label) -> tuple[Fit, list[dict[str, float]]]:
    """A head from all texts, whose temperature and table come from predictions for what a head had not seen."""
    data = sample(texts)
    logits = held_out.unseen(texts, data, label).logits
    fit = held_out.trained(texts, data, label)
    family = np.array([row.family for row in texts])
    truth = [label(row) or "" for row in texts]
    columns = np.searchsorted(fit.labels, truth)
    measured = [family == one for one in sorted(set(family) - {SEEDS, PHRASES})]
    scale = temperature([(logits[one], columns[one]) for one in measured])
    shares = softmax(logits / scale)
    names = list(fit.labels)
    for rows_ in measured:
        figures = measures.measured(
            shares[rows_], names, np.array(truth)[rows_].tolist(), [texts[row].also for row in np.flatnonzero(rows_)]
        )
        print(family[rows_][0], figures)
    seen = np.any(measured, axis=0)
    table = measures.thresholds(shares[seen].max(1), columns[seen] == shares[seen].argmax(1))
    points = [{"threshold": one, "precision": round(two, 3), "coverage": round(three, 3)} for one, two, three in table]
    print("temperature", round(scale, 3), points)
    return fit._replace(temperature=scale), points


if __name__ == "__main__":
    main()
