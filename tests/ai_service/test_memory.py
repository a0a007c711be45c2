"""What a head remembers tells apart what no straight line does."""

import numpy as np

from ai_service.embedded import wording
from ai_service.embedded.memory import Memory, remember

SIDES = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]], np.float32)
COLUMNS = np.array([0, 0, 1, 1])


def embedded(sides: np.ndarray) -> np.ndarray:
    rows = np.zeros((len(sides), 512), np.float32)
    rows[:, :2] = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    return rows


def corners(*counts: float) -> Memory:
    return remember(embedded(SIDES), COLUMNS, np.array(counts), 2, wording.NONE)


def test_text_is_taken_for_what_those_around_it_are() -> None:
    near = embedded(SIDES + np.array([0.1, -0.2], np.float32))
    assert corners(1, 1, 1, 1).votes(near).argmax(1).tolist() == COLUMNS.tolist()


def test_one_text_is_read_as_rows_of_them_are() -> None:
    memory, rows = corners(1, 1, 1, 1), embedded(SIDES)
    np.testing.assert_allclose([memory.votes(row) for row in rows], memory.votes(rows), rtol=1e-5)


def test_remembered_text_that_counts_more_is_heard_further() -> None:
    between = embedded(np.array([[1.0, 0.0]], np.float32))
    assert corners(4, 1, 1, 1).votes(between).argmax() == 0
    assert corners(1, 1, 4, 1).votes(between).argmax() == 1


def test_text_without_meaning_is_like_nothing_and_excludes_nothing() -> None:
    assert np.isfinite(corners(1, 1, 1, 1).votes(np.zeros(512, np.float32))).all()
