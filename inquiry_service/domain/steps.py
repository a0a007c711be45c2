"""Where the steps of a series begin, in the calendar of any time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Step = Literal["hour", "day", "week", "month"]

QUARTER = timedelta(minutes=15)
"""Every offset from UTC that is in use is a multiple of it."""


def edges(start: datetime, end: datetime, step: Step, zone: ZoneInfo) -> list[datetime]:
    """The beginning of every step from `start` to `end`, and `end`; UTC. The first and last step may be cut short."""
    begins = _hours(start, end, zone) if step == "hour" else _days(start, end, step, zone)
    return sorted({start, *(begin for begin in begins if start < begin < end), end})


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    # Looked for rather than computed, since there are zones whose clocks jump by half an hour.
    begin, before = start, _hour(start, zone)
    while begin < end:
        begin += QUARTER
        hour = _hour(begin, zone)
        if hour != before:
            yield begin
        before = hour


def _hour(moment: datetime, zone: ZoneInfo) -> tuple[date, int, timedelta | None]:
    local = moment.astimezone(zone)
    return local.date(), local.hour, local.utcoffset()


def _days(start: datetime, end: datetime, step: Step, zone: ZoneInfo) -> Iterator[datetime]:
    day = _first(start.astimezone(zone).date(), step)
    while (begin := _midnight(day, zone)) < end:
        yield begin
        day = _next(day, step)


def _first(day: date, step: Step) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _next(day: date, step: Step) -> date:
    if step == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if step == "week" else 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Where clocks jump over midnight, this is the moment at which they do.
    return datetime.combine(day, time(), zone).astimezone(UTC)
