"""How long to wait before trying again."""

import random
from collections.abc import Iterator


def delays(first: float = 0.1, most: float = 5.0) -> Iterator[float]:
    """Seconds to wait, for ever: doubling from `first` up to `most`, each shortened at random by up to a half."""
    delay = first
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        delay = min(2 * delay, most)
