"""Which lines each series has, and how each of their values comes from what was counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, get_args

from inquiry_service.domain.tally import Tally
from inquiry_service.storage.statistics import TOTAL

Series = Literal[
    "volume", "categories", "sentiments", "languages", "agents", "response_times", "ai", "drafts", "learning"
]
SERIES: tuple[Series, ...] = get_args(Series)
MOST_KEYS = 50
"""As many categories, languages or agents as a series shows, the most frequent ones."""

Value = Callable[[Tally], float | None]


class Shown(NamedTuple):
    """One line: what it shows, of what, and its value in a stretch of time."""

    measure: str
    key: str
    value: Value


class Source(NamedTuple):
    """The measures of a dimension that a series is made from."""

    dimension: str
    measures: Sequence[str]


VOLUME = ("received", "resolved", "reopened", "backlog")
AI = ("automatic", "reviewed", "confirmed", "corrected", "failed")
DRAFTS = ("replies", "drafts_sent", "drafts_unedited", "drafts_dismissed", "edit_distance")
LEARNING = ("comparable", "agreed", "uncorrected_agreed")
DURATIONS = ("first_response", "resolution")
QUANTILES = {"median": 0.5, "p90": 0.9}
TOTALS = (Source(TOTAL, (*VOLUME, *AI, *DRAFTS)), Source("bin", DURATIONS))

SOURCES: Mapping[Series, Sequence[Source]] = {
    "volume": [Source(TOTAL, VOLUME)],
    "categories": [Source("category", ["received"])],
    "sentiments": [Source("sentiment", ["received"])],
    "languages": [Source("language", ["received"])],
    "agents": [Source("agent", ["replies", "resolved"])],
    "response_times": [Source("bin", DURATIONS)],
    "ai": [Source(TOTAL, AI), Source("category", ["confirmed", "corrected"])],
    "drafts": [Source(TOTAL, DRAFTS)],
    "learning": [Source(TOTAL, LEARNING), Source("category", ["confirmed", "corrected"])],
}


def lines(series: Series, both: Tally) -> Iterator[Shown]:
    """The lines of a series; `both` holds what was counted in the period and in the one before."""
    match series:
        case "volume":
            yield from (_count(measure) for measure in VOLUME[:-1])
            yield Shown("backlog", "", lambda tally: tally.backlog)
        case "response_times":
            for measure in DURATIONS:
                for name, share in QUANTILES.items():
                    yield Shown(f"{measure}_{name}_seconds", "", partial(_quantile, measure=measure, share=share))
        case "ai":
            yield from (_count(measure) for measure in AI)
            for key in _keys(both, SOURCES[series][1]):
                yield Shown("agreement", key, partial(_agreement, category=key))
        case "drafts":
            yield from (_count(measure) for measure in DRAFTS[:-1])
            yield Shown("mean_edit_distance", "", lambda tally: tally.mean("edit_distance", "drafts_sent"))
        case "learning":
            yield Shown("judged", "", lambda tally: tally.of("comparable"))
            yield Shown("agreement", "", lambda tally: tally.mean("agreed", "comparable"))
            yield Shown("uncorrected_agreement", "", lambda tally: tally.mean("uncorrected_agreed", "comparable"))
            for key in _keys(both, SOURCES[series][1]):
                yield Shown("agreement", key, partial(_agreement, category=key))
                yield _count("corrected", "category", key)
        case _:
            (source,) = SOURCES[series]
            for key in _keys(both, source):
                yield from (_count(measure, source.dimension, key) for measure in source.measures)


def _keys(both: Tally, source: Source) -> list[str]:
    def frequency(key: str) -> int:
        return sum(both.of(measure, source.dimension, key) for measure in source.measures)

    return sorted(both.keys(source.dimension), key=lambda key: (-frequency(key), key))[:MOST_KEYS]


def _count(measure: str, dimension: str = TOTAL, key: str = "") -> Shown:
    return Shown(measure, key, lambda tally: tally.of(measure, dimension, key))


def _quantile(tally: Tally, measure: str, share: float) -> float | None:
    return tally.quantile(measure, share)


def _agreement(tally: Tally, category: str) -> float | None:
    return tally.agreement(category)
