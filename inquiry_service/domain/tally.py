"""What was counted in one stretch of time."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from inquiry_service.domain.histogram import quantile
from inquiry_service.storage.statistics import TOTAL


class Tally(msgspec.Struct):
    """Counts by dimension, measure and key; durations by measure and bin; and how many were open at the end."""

    counts: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    bins: dict[str, Counter[int]] = msgspec.field(default_factory=dict)
    backlog: int = 0

    def add(self, dimension: str, measure: str, key: str, amount: int) -> None:
        """Take in one sum."""
        if dimension == "bin":
            self.bins.setdefault(measure, Counter())[int(key)] += amount
        else:
            self.counts[dimension, measure, key] += amount

    def of(self, measure: str, dimension: str = TOTAL, key: str = "") -> int:
        """How many."""
        return self.counts[dimension, measure, key]

    def keys(self, dimension: str) -> set[str]:
        """The keys of a dimension of which there were any."""
        return {key for (named, _, key), amount in self.counts.items() if named == dimension and amount}

    def durations(self, measure: str) -> int:
        """How many durations were measured."""
        return sum(self.bins.get(measure, {}).values())

    def quantile(self, measure: str, share: float) -> float | None:
        """The seconds that this share of them took at most."""
        return quantile(self.bins.get(measure, {}), share)

    def mean(self, sum_: str, count: str) -> float | None:
        """One count divided by another; None where the other is 0."""
        return self.of(sum_) / self.of(count) if self.of(count) else None

    def agreement(self, category: str) -> float | None:
        """The share of the machine's choices of this category that people confirmed, of those they judged."""
        confirmed = self.of("confirmed", "category", category)
        judged = confirmed + self.of("corrected", "category", category)
        return confirmed / judged if judged else None


def merged(tallies: Iterable[Tally]) -> Tally:
    """Several stretches of time, in order, as one."""
    whole = Tally()
    for tally in tallies:
        whole.counts.update(tally.counts)
        for measure, bins in tally.bins.items():
            whole.bins.setdefault(measure, Counter()).update(bins)
        whole.backlog = tally.backlog
    return whole
