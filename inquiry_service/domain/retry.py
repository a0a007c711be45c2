"""The retry policy of triage, as data."""

import random
from collections.abc import Callable
from typing import Literal

FailureKind = Literal["provider", "invalid", "deferred"]

MAX_ATTEMPTS = 6
FIRST_DELAY = 2.0
LONGEST_DELAY = 300.0
LONGEST_DEFERRAL = 24 * 3600.0
MAX_CRASHES = 3
"""An inquiry that has killed this many workers is failed."""


def next_delay(
    kind: FailureKind, attempt: int, asked: float | None, uniform: Callable[[float, float], float] = random.uniform
) -> float | None:
    """Seconds until the next attempt after the `attempt`-th counted failure; None when it has failed for good.

    Exponential with jitter over its upper half: 1–2 s, 2–4 s, … up to 5 minutes, or what the provider `asked` for.
    """
    if kind == "invalid":
        return None
    if kind == "deferred":
        return min(max(asked or FIRST_DELAY, 0.0), LONGEST_DEFERRAL)
    if attempt >= MAX_ATTEMPTS:
        return None
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1))
    return max(uniform(ceiling / 2, ceiling), asked or 0.0)
