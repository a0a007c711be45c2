"""A provider as it is, asked about labelled texts: the one that ships, or whichever is configured."""

import os
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ai_service import router
from ai_service.analysis import Analysis, Author, Category, Inquiry, Sentiment, Taxonomy, Turn
from ai_service.embedded.eval import PARALLEL
from ai_service.embedded.eval import tables as made
from ai_service.embedded.eval.report import Table
from ai_service.embedded.softmax import Numbers
from ai_service.embedded.training import rows as texts
from ai_service.embedded.training.rows import Row
from ai_service.providers import embedded
from ai_service.providers.failure import Failure
from ai_service.router import Router
from ai_service.settings import AiSettings
from runtime import settings

PATIENCE = 120.0
FEELINGS = tuple(one.value for one in Sentiment)


async def tables(file: Path, provider: str) -> list[Table]:
    """The figures of `provider` on the rows of `file`. Raises ValueError where it cannot be measured on them."""
    rows = [row for row in texts.read(file) if row.category]
    if not rows:
        raise ValueError(f"No row of {file} has a category.")
    # The settings are an AI process's; this one serves nobody, and calls nobody of ours.
    os.environ.setdefault("POK_SERVICE_TOKEN", secrets.token_hex())
    os.environ.setdefault("POK_SERVICE_TOKENS", f"worker:{secrets.token_hex()}")
    async with router.opened(settings.load(AiSettings)) as asked:
        return await _measured(f"{provider} on {file.name}", rows, asked, provider, detailed=True)


async def shipped() -> list[Table]:
    """The weights that ship on the pairs of translations, none of which was trained on; and what they cost."""
    rows = texts.read(PARALLEL)
    async with embedded.loaded() as provider:
        name = "as shipped, on the same messages in Spanish and English"
        return await _measured(name, rows, Router(provider), "embedded")


async def _measured(
    name: str, rows: Sequence[Row], asked: Router, provider: str, *, detailed: bool = False
) -> list[Table]:
    keys = tuple(sorted({key for row in rows for key in (row.category, row.also) if key}))
    taxonomy = Taxonomy(1, tuple(Category(key, key, key.replace("_", " "), "") for key in keys))
    answered, left_out = [], Counter[str]()
    for row in rows:
        started = time.process_time()
        try:
            analysis = await asked.analyze(provider, _inquiry(row.text), taxonomy, timeout=PATIENCE)
        except Failure as failure:  # as with POK_AI_FALLBACK=wait, where nobody answers in the provider's place
            left_out[failure.reason.lower()] += 1
            continue
        if analysis.fallback:
            left_out[analysis.fallback] += 1
        else:
            answered.append((row, analysis, 1_000 * (time.process_time() - started)))
    if not answered:
        raise ValueError(f"{provider} has answered nothing: {', '.join(left_out)}.")
    rows, analyses, cost = zip(*answered, strict=True)
    shares = np.array([[_share(analysis, key) for key in keys] for analysis in analyses], np.float32)
    everywhere = np.ones(len(rows), bool)
    groups = made.languages(rows, everywhere)
    found = [made.overview(f"Category: {name}", groups, rows, shares, keys)]
    if all(row.sentiment for row in rows):
        found.append(made.sentiments(f"Sentiment: {name}", groups, rows, _feelings(analyses), FEELINGS))
    if all(row.priority for row in rows):
        sure = [analysis.categories[0].category for analysis in analyses]
        feelings = [analysis.sentiment.value for analysis in analyses]
        found.append(made.priorities(rows, sure.__getitem__, feelings.__getitem__, f"Priority: {name}"))
    if detailed:
        found += made.details(name, rows, shares, keys)
    if left_out:
        found.append(Table("Left out, since the provider did not answer", ("why", "texts"), list(left_out.items())))
    took = [analysis.usage.duration_ms for analysis in analyses]
    figures = [("processor", float(np.median(cost)), float(np.quantile(cost, 0.95)))]
    figures.append(("elapsed", float(np.median(took)), float(np.quantile(took, 0.95))))
    found.append(Table("Milliseconds per message", ("of", "median", "95th percentile"), list(figures)))
    return found


def _inquiry(text: str) -> Inquiry:
    return Inquiry(customer_name="", subject="", conversation=(Turn(Author.CUSTOMER, text),))


def _share(analysis: Analysis, key: str) -> float:
    return next((score.confidence for score in analysis.categories if score.category == key), 0.0)


def _feelings(analyses: Sequence[Analysis]) -> Numbers:
    return np.array([[one.sentiment == label for label in FEELINGS] for one in analyses], np.float32)
