"""How the method does on businesses that a head has not seen: other industries of the corpus, other public sources."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ai_service.embedded import head
from ai_service.embedded.eval import corrected, diversity, measures
from ai_service.embedded.eval import tables as made
from ai_service.embedded.eval.report import Table
from ai_service.embedded.softmax import Numbers, softmax
from ai_service.embedded.training import held_out
from ai_service.embedded.training import rows as texts
from ai_service.embedded.training.fitting import Sample, sample
from ai_service.embedded.training.rows import CORPUS, SEEDS, Row

READ_PER_CLASS = 300
SIZES = (1_000, 2_000, 4_000, 6_000)


def tables(sources: Path | None) -> list[Table]:
    """All of it; without `sources` only what needs no more than the corpus."""
    rows = [*texts.corpus(), *(texts.public(sources, READ_PER_CLASS) if sources else ())]
    data = sample(rows)
    unseen = held_out.unseen(rows, data, held_out.category)
    labels = tuple(sorted({row.category or "" for row in rows}))
    family = np.array([row.family for row in rows])
    ours = family == CORPUS
    shares = softmax(unseen.logits / head.load("category").temperature)
    found = [
        diversity.table(_some(rows, ours), data.x[ours]),
        made.overview("Category: industries held out", made.languages(rows, ours), rows, shares, labels),
        *made.details("Industries held out", _some(rows, ours), shares[ours], labels),
        _corpus_size(rows, data, ours, labels),
    ]
    public = [one for one in sorted(set(family)) if one not in (CORPUS, SEEDS)]
    if public:
        groups = [(one, family == one) for one in public]
        found.append(made.overview("Category: one public source left out", groups, rows, shares, labels))
        found.append(_ours_alone(rows, data, groups, labels))
    found.append(corrected.table(rows, data, unseen, labels, public))
    return found + _sentiment(sources) + [_priority(_some(rows, ours))]


def _corpus_size(rows: Sequence[Row], data: Sample, ours: np.ndarray, labels: Sequence[str]) -> Table:
    """Accuracy on a fifth of the industries against the number of our messages that were learnt from."""
    group = held_out.groups(rows)
    out = group == "industries 0"
    order = np.random.default_rng(7).permutation(np.flatnonzero(ours & ~out))
    table = Table("Corpus size against accuracy", ("messages", "first choice", "first two"), [],
                  "A fifth of the industries held out; learnt from so many messages of the others.")  # fmt: skip
    for size in [*(size for size in SIZES if size < len(order)), len(order)]:
        inside = np.isin(np.arange(len(rows)), order[:size])
        logits = held_out.trained(rows, data, held_out.category, inside).logits(data.at(np.flatnonzero(out)))
        figures = _figures(softmax(logits), _some(rows, out), labels)
        table.rows.append((size, figures.first, figures.two))
    return table


def _ours_alone(
    rows: Sequence[Row], data: Sample, groups: Sequence[tuple[str, np.ndarray]], labels: Sequence[str]
) -> Table:
    """The public sets by heads that learnt from nothing public."""
    table = Table("Category: learnt from our own texts alone", ("of", "learnt from", "first choice", "first two"), [])
    source = np.array([row.source for row in rows])
    for name, taught in (("seed phrases", source == SEEDS), ("phrases and corpus", np.isin(source, (SEEDS, CORPUS)))):
        fitted = held_out.trained(rows, data, held_out.category, taught)
        for one, inside in groups:
            figures = _figures(softmax(fitted.logits(data.at(np.flatnonzero(inside)))), _some(rows, inside), labels)
            table.rows.append((one, name, figures.first, figures.two))
    return table


def _sentiment(sources: Path | None) -> list[Table]:
    rows = [*texts.corpus(), *texts.phrases()]
    data = sample(rows)
    shares = softmax(held_out.unseen(rows, data, held_out.sentiment).logits)
    ours = np.array([row.source == CORPUS for row in rows])
    labels = tuple(sorted({row.sentiment or "" for row in rows}))
    found = [made.sentiments("Sentiment: industries held out", made.languages(rows, ours), rows, shares, labels)]
    for file in sorted(sources.glob("eval_only/sentiment_*.jsonl")) if sources else ():
        foreign = [row for row in texts.read(file) if row.sentiment]
        given = softmax(held_out.trained(rows, data, held_out.sentiment).logits(sample(foreign)))
        everywhere = np.ones(len(foreign), bool)
        groups = made.languages(foreign, everywhere)
        found.append(
            made.sentiments(f"Sentiment: {foreign[0].source}", groups, foreign, given, labels, "Never learnt.")
        )
    return found


def _priority(rows: Sequence[Row]) -> Table:
    """The rules alone: what they make of the category and the sentiment that people gave."""
    return made.priorities(
        rows,
        lambda row: rows[row].category,
        lambda row: rows[row].sentiment or "neutral",
        "Priority: the rules, given the right category and sentiment",
    )


def _figures(shares: Numbers, rows: Sequence[Row], labels: Sequence[str]) -> measures.Measured:
    return measures.measured(shares, labels, [row.category or "" for row in rows], [row.also for row in rows])


def _some(rows: Sequence[Row], inside: np.ndarray) -> list[Row]:
    return [rows[row] for row in np.flatnonzero(inside).tolist()]
