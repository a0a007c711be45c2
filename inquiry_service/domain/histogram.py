"""Durations in logarithmic bins: exact enough for medians, and they add up over any period."""

import math
from collections.abc import Mapping

GROWTH = 1.05
"""Each bin ends this many times later than the one before, so that its middle is within 2.5% of all that is in it."""

SHORTEST = 0.001
"""Seconds; what is shorter, or came out negative because clocks or imports disagree, counts as this."""


def bin_of(seconds: float) -> int:
    """The number of the bin that holds a duration."""
    return math.ceil(math.log(max(seconds, SHORTEST), GROWTH))


def quantile(bins: Mapping[int, int], share: float) -> float | None:
    """The seconds that this share of the durations took at most; None when there are none."""
    count = sum(bins.values())
    rank = math.ceil(share * count)
    passed = 0
    for number in sorted(bins):
        passed += bins[number]
        if passed >= rank and passed > 0:
            return 2 * GROWTH**number / (1 + GROWTH)
    return None
