"""Medians and p90 from the histogram are within 3% of the exact ones."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inquiry_service.domain.histogram import SHORTEST, bin_of, quantile

YEAR = 365 * 86_400.0
ERROR = 0.03


@given(st.lists(st.floats(SHORTEST, 50 * YEAR), min_size=1, max_size=200), st.sampled_from([0.5, 0.9]))
def test_quantiles_are_within_three_percent(durations: list[float], share: float) -> None:
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
    found = quantile(Counter(map(bin_of, durations)), share)
    assert found == pytest.approx(exact, rel=ERROR)


@given(st.floats(-YEAR, SHORTEST))
def test_what_is_too_short_to_measure_counts_as_the_shortest(seconds: float) -> None:
    assert quantile({bin_of(seconds): 1}, 0.5) == pytest.approx(SHORTEST, rel=ERROR)


def test_nothing_has_no_median() -> None:
    assert quantile({}, 0.5) is None
