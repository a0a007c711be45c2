"""Categories that the head never learnt: recognised by how much a message resembles what the administrator wrote."""

from collections.abc import Sequence

import numpy as np

from ai_service.analysis import Category
from ai_service.embedded.softmax import Numbers

STEEPNESS, HALFWAY = 12.0, 0.4
"""How a likeness becomes odds against all learnt categories together, even at HALFWAY.

Of our corpus's messages, one in a hundred is as much like four short texts of another category of its business.
"""
CLOSEST = 2
"""How many of a category's texts count: one may be like by chance."""


def texts_of(category: Category) -> list[str]:
    """What describes the category to the encoder."""
    names = dict.fromkeys((category.name_es, category.name_en))
    return [text for text in (*names, category.description, *category.examples) if text.strip()]


def odds(embedding: Numbers, prototypes: Sequence[Numbers]) -> Numbers:
    """The log odds of each category, given the embeddings of its texts."""
    return np.array([STEEPNESS * (_likeness(embedding, rows) - HALFWAY) for rows in prototypes], np.float32)


def _likeness(embedding: Numbers, rows: Numbers) -> float:
    return float(np.sort(rows @ embedding)[-CLOSEST:].mean()) if len(rows) else 0.0
