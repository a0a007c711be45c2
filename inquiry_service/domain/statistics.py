"""Numbers over a period, with those of the equally long one before."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from inquiry_service.domain import series
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.series import TOTALS, Series, Shown, Source
from inquiry_service.domain.steps import QUARTER, Step, edges
from inquiry_service.domain.tally import Tally, merged
from inquiry_service.storage import accounts, statistics
from inquiry_service.storage.database import Database
from inquiry_service.storage.statistics import TOTAL, Progress
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument
from runtime.zones import zone_of

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""Before, some zones were at odd minutes from UTC."""

LATEST = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=400)
MOST_STEPS = 1000
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Period(NamedTuple):
    """From `start` on, before `end`; UTC."""

    start: datetime
    end: datetime

    @property
    def previous(self) -> datetime:
        """Where the equally long period before begins."""
        return self.start - (self.end - self.start)


class Compared(NamedTuple):
    """What was counted in the period and in the one before, and up to where the log was counted at least."""

    current: Tally
    previous: Tally
    progress: Progress


class Line(NamedTuple):
    """One line of a series: a value for each step, for the whole period and for the one before."""

    measure: str
    key: str
    name: str
    values: Sequence[float | None]
    total: float | None
    previous_total: float | None


class Drawn(NamedTuple):
    """A series: where its steps begin, its lines, and up to where the log was counted at least."""

    steps: Sequence[datetime]
    lines: Sequence[Line]
    progress: Progress


class Statistics:
    """Every operation raises PermissionDenied unless staff calls, and InvalidArgument for a wrong period."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def compare(self, period: Period, principal: Principal) -> Compared:
        """All totals."""
        require_staff(principal)
        _check(period)
        progress = await statistics.progress(self._database)
        previous, current = await self._tallies(TOTALS, [period.previous, period.start, period.end])
        return Compared(current, previous, progress)

    async def draw(self, which: Series, period: Period, step: Step, time_zone: str, principal: Principal) -> Drawn:
        """One series. Raises InvalidArgument also for an unknown zone and for too many steps."""
        require_staff(principal)
        _check(period)
        steps = edges(period.start, period.end, step, zone_of(time_zone or "UTC"))
        if len(steps) - 1 > MOST_STEPS:
            raise InvalidArgument.field("step", f"The period has more than {MOST_STEPS} steps; choose a wider one.")
        progress = await statistics.progress(self._database)
        previous, *tallies = await self._tallies(series.SOURCES[which], [period.previous, *steps])
        current = merged(tallies)
        shown = list(series.lines(which, merged([previous, current])))
        names = await self._names(shown) if which == "agents" else {}
        return Drawn(
            steps[:-1],
            [
                Line(
                    line.measure,
                    line.key,
                    names.get(line.key, ""),
                    [line.value(tally) for tally in tallies],
                    line.value(current),
                    line.value(previous),
                )
                for line in shown
            ],
            progress,
        )

    async def _tallies(self, sources: Sequence[Source], moments: Sequence[datetime]) -> list[Tally]:
        tallies = [Tally() for _ in moments[1:]]
        for source in sources:
            sums = await statistics.sums(self._database, source.dimension, source.measures, moments)
            for (step, measure, key), amount in sums.items():
                tallies[step].add(source.dimension, measure, key, amount)
        if any("backlog" in source.measures for source in sources):
            await self._carry_backlog(tallies, moments[0])
        return tallies

    async def _carry_backlog(self, tallies: Iterable[Tally], start: datetime) -> None:
        before = await statistics.sums(self._database, TOTAL, ["backlog"], [BEGINNING, start])
        backlog = sum(before.values())
        for tally in tallies:
            backlog += tally.of("backlog")
            tally.backlog = backlog

    async def _names(self, shown: Iterable[Shown]) -> dict[str, str]:
        ids = sorted({UUID(line.key) for line in shown})
        return {str(id_): name for id_, name in (await accounts.names(self._database, ids)).items()}


def _check(period: Period) -> None:
    start, end = period
    if start < EARLIEST:
        raise InvalidArgument.field("start_time", f"Must not be before {EARLIEST.year}.")
    if end > LATEST:
        raise InvalidArgument.field("end_time", f"Must not be after {LATEST.year}.")
    if not start < end:
        raise InvalidArgument.field("end_time", "Must be after the beginning of the period.")
    if end - start > LONGEST:
        raise InvalidArgument.field("end_time", f"The period may have at most {LONGEST.days} days.")
    for name, moment in (("start_time", start), ("end_time", end)):
        if (moment - EARLIEST) % QUARTER:
            raise InvalidArgument.field(name, "Must be at a full quarter of an hour.")
