"""The distance between a draft and what was sent is Levenshtein's, and long texts are no trouble."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inquiry_service.domain.edit_distance import edit_distance

TEXTS = st.text(alphabet="abñ🦊\n", max_size=40)


def by_the_table(first: str, second: str) -> int:
    """The textbook's way."""
    above = list(range(len(second) + 1))
    for row, one in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            current.append(min(above[column] + 1, current[-1] + 1, above[column - 1] + (one != other)))
        above = current
    return above[-1]


@given(TEXTS, TEXTS)
def test_distance_is_that_of_the_table(first: str, second: str) -> None:
    assert edit_distance(first, second) == by_the_table(first, second)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("Hola, Ana.", "Hola, Ana.", 0),
        ("Hola, Ana.", "Hola, Eva.", 2),
        ("🦊", "🐻", 1),  # one character each, two code units and four bytes
        ("a" * 20_000, "b" * 20_000, 20_000),
    ],
)
def test_distance_counts_characters(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second) == distance
