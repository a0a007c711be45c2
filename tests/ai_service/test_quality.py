"""The model that ships is not worse than it was, on messages that it never learnt from.

Figures of everything else, and how they come about, are in `ai_service/embedded/eval/report.md`.
"""

import numpy as np
import pytest

from ai_service.analysis import Analysis, Category, Taxonomy
from ai_service.embedded import eval as evaluation
from ai_service.embedded.training.rows import Row, read
from ai_service.providers.embedded import EmbeddedProvider
from tests.ai_service.builders import inquiry
from tests.support.knowledge_stub import DEFAULT_KEYS

PAIRS = 150
TAXONOMY = Taxonomy(1, tuple(Category(key, key, key, "") for key in DEFAULT_KEYS))


@pytest.fixture(scope="module")
async def answers(embedded_provider: EmbeddedProvider) -> list[tuple[Row, Analysis]]:
    """The first pairs of translations, spread over their industries."""
    rows = read(evaluation.PARALLEL)
    pairs = sorted({row.pair for row in rows}, key=lambda pair: (int(pair.rpartition("-")[2]), pair))[:PAIRS]
    return [
        (row, await embedded_provider.analyze(inquiry(row.text), TAXONOMY, timeout=60))
        for row in rows
        if row.pair in pairs
    ]


def right(answers: list[tuple[Row, Analysis]], choices: int = 1) -> float:
    return float(
        np.mean([row.category in [score.category for score in got.categories[:choices]] for row, got in answers])
    )


def test_category_is_recognised(answers: list[tuple[Row, Analysis]]) -> None:
    assert len(answers) == 2 * PAIRS
    assert right(answers) >= 0.70
    assert right(answers, choices=2) >= 0.84


def test_spanish_is_understood_about_as_well_as_english(answers: list[tuple[Row, Analysis]]) -> None:
    spanish, english = ([answer for answer in answers if answer[0].lang == lang] for lang in ("es", "en"))
    assert abs(right(spanish) - right(english)) <= 0.06


def test_confident_answers_are_right(answers: list[tuple[Row, Analysis]]) -> None:
    sure = [answer for answer in answers if answer[1].categories[0].confidence >= TAXONOMY.confidence_threshold]
    assert len(sure) >= 0.5 * len(answers)
    assert right(sure) >= 0.80


def test_feeling_and_priority_are_recognised(answers: list[tuple[Row, Analysis]]) -> None:
    assert np.mean([got.sentiment == row.sentiment for row, got in answers]) >= 0.78
    assert np.mean([got.priority == row.priority for row, got in answers]) >= 0.62
