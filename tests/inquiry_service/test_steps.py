"""Steps follow the calendar of any time zone, without gaps, also where clocks are changed."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from inquiry_service.domain.steps import QUARTER, Step, edges

HOUR = timedelta(hours=1)


def local(zone: str, *when: int) -> datetime:
    """A local time as UTC."""
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]


def lengths(zone: str, step: Step, first: date, last: date) -> list[float]:
    """The hours of each step from the first of these days to the last, both included."""
    start = local(zone, first.year, first.month, first.day)
    after = last + timedelta(days=1)
    found = edges(start, local(zone, after.year, after.month, after.day), step, ZoneInfo(zone))
    return [(after - before) / HOUR for before, after in pairwise(found)]


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        ("Europe/Madrid", date(2026, 3, 28), [24, 23, 24]),
        ("Europe/Madrid", date(2026, 10, 24), [24, 25, 24]),
        # Here clocks change at midnight, which one day does not have and another has twice.
        ("America/Santiago", date(2026, 9, 5), [24, 23, 24]),
        ("America/Santiago", date(2026, 4, 3), [24, 25, 24]),
        ("America/Havana", date(2026, 10, 31), [24, 25, 24]),
        ("Australia/Lord_Howe", date(2026, 10, 3), [24, 23.5, 24]),
        ("Asia/Kolkata", date(2026, 3, 28), [24, 24, 24]),
        ("UTC", date(2026, 3, 28), [24, 24, 24]),
    ],
)
def test_days_are_those_of_the_zone(zone: str, first: date, expected: list[float]) -> None:
    assert lengths(zone, "day", first, first + timedelta(days=2)) == expected


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        ("Europe/Madrid", date(2026, 3, 29), 23),
        ("Europe/Madrid", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("America/Santiago", date(2026, 4, 4), 25),
        ("Asia/Kolkata", date(2026, 6, 1), 24),
    ],
)
def test_hours_are_whole_on_every_day(zone: str, day: date, count: int) -> None:
    assert lengths(zone, "hour", day, day) == [1] * count


def test_hours_begin_when_the_clocks_of_the_zone_say_so() -> None:
    found = edges(local("UTC", 2026, 6, 1), local("UTC", 2026, 6, 1, 3), "hour", ZoneInfo("Asia/Kolkata"))
    assert [moment.minute for moment in found] == [0, 30, 30, 30, 0]


def test_half_an_hour_more_or_less_makes_a_short_hour() -> None:
    assert sum(lengths("Australia/Lord_Howe", "hour", date(2026, 10, 4), date(2026, 10, 4))) == 23.5
    assert sum(lengths("Australia/Lord_Howe", "hour", date(2026, 4, 5), date(2026, 4, 5))) == 24.5


def test_weeks_begin_on_monday() -> None:
    zone = ZoneInfo("America/Santiago")
    found = edges(local(zone.key, 2026, 9, 2), local(zone.key, 2026, 9, 20), "week", zone)
    assert [moment.astimezone(zone).date() for moment in found] == [
        date(2026, 9, 2),
        date(2026, 9, 7),
        date(2026, 9, 14),
        date(2026, 9, 20),
    ]


def test_months_begin_on_the_first() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    found = edges(local(zone.key, 2025, 12, 31), local(zone.key, 2026, 3, 2), "month", zone)
    assert [moment.astimezone(zone).date() for moment in found] == [
        date(2025, 12, 31),
        date(2026, 1, 1),
        date(2026, 2, 1),
        date(2026, 3, 1),
        date(2026, 3, 2),
    ]


def test_day_that_a_zone_has_left_out_is_no_step() -> None:
    # On its way over the date line Samoa had no 30 December 2011.
    assert lengths("Pacific/Apia", "day", date(2011, 12, 29), date(2011, 12, 31)) == [24, 24]


@pytest.mark.parametrize("step", ["day", "month"])
def test_steps_of_every_zone_are_at_full_quarters_of_an_hour(step: Step) -> None:
    beginning = datetime(1980, 1, 1, tzinfo=UTC)
    for name in zoneinfo.available_timezones():
        found = edges(beginning, datetime(1980, 7, 1, tzinfo=UTC), step, ZoneInfo(name))
        assert not [moment for moment in found if (moment - beginning) % QUARTER], name
