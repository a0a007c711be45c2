"""Texts are compared by what they say, without how people say it."""

import numpy as np

from ai_service.embedded import wording
from ai_service.embedded.training.fitting import WORDINGS, wording_of


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def spoken(seed: int) -> tuple[np.ndarray, list[str]]:
    """Texts of 40 intents; those of each differ in all directions, and eight times as much in the first ten."""
    random = np.random.default_rng(seed)
    intents = np.arange(400) % 40
    away = random.normal(size=(400, 512)) * np.where(np.arange(512) < 10, 8.0, 1.0)
    return unit(8 * np.random.default_rng(0).normal(size=(40, 512))[intents] + 4 * away), [str(one) for one in intents]


def test_same_intent_is_more_alike_without_the_wording() -> None:
    said = wording_of(*spoken(1))
    assert said.shape == (512, WORDINGS)
    x, intents = spoken(2)
    found = wording.likeness(*[wording.read(x, said)] * 2)
    same = np.equal.outer(intents, intents) & ~np.eye(len(x), dtype=bool)
    apart = [(like[same].mean() - like[~same].mean()) / like[~same].std() for like in (found.said, found.meant)]
    assert apart[1] > 1.2 * apart[0]


def test_what_is_left_has_the_products_of_what_is_meant() -> None:
    x, intents = spoken(1)
    said = wording_of(x, intents)
    left = unit(wording.without(x, said))
    np.testing.assert_allclose(left @ left.T, wording.likeness(*[wording.read(x, said)] * 2).meant, atol=1e-4)


def test_all_counts_where_no_wording_is_known() -> None:
    x, _ = spoken(1)
    found = wording.likeness(wording.read(x, wording.NONE), wording.read(x[:3], wording.NONE))
    np.testing.assert_allclose(found.meant, found.said, atol=1e-5)
