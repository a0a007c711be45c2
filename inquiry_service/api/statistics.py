"""StatisticsService: numbers over a period."""

from typing import Any, cast

from pok.inquiry.v1 import statistics_pb2, statistics_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.series import Series
from inquiry_service.domain.statistics import Line, Period, Statistics
from inquiry_service.domain.steps import Step
from inquiry_service.domain.tally import Tally
from runtime.rpc.context import principal
from runtime.rpc.errors import InvalidArgument

SERIES = convert.Words(statistics_pb2.Series.DESCRIPTOR)
STEP = convert.Words(statistics_pb2.Step.DESCRIPTOR)


class StatisticsServicer(statistics_pb2_grpc.StatisticsServiceServicer):
    """Converts, calls one operation, converts back."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def GetStatistics(
        self, request: statistics_pb2.GetStatisticsRequest, context: Any
    ) -> statistics_pb2.GetStatisticsResponse:
        """All totals, compared."""
        compared = await self._statistics.compare(_period(request.period), principal())
        return statistics_pb2.GetStatisticsResponse(
            totals=_totals(compared.current),
            previous=_totals(compared.previous),
            counted_until=convert.timestamp(compared.progress.until),
            position=compared.progress.token,
        )

    async def GetSeries(
        self, request: statistics_pb2.GetSeriesRequest, context: Any
    ) -> statistics_pb2.GetSeriesResponse:
        """One series."""
        drawn = await self._statistics.draw(
            cast("Series", SERIES.word(request.series, "series")),
            _period(request.period),
            cast("Step", STEP.word(request.step, "step")),
            request.time_zone,
            principal(),
        )
        return statistics_pb2.GetSeriesResponse(
            lines=map(_line, drawn.lines),
            steps=map(convert.timestamp, drawn.steps),
            counted_until=convert.timestamp(drawn.progress.until),
            position=drawn.progress.token,
        )


def _period(message: statistics_pb2.Period) -> Period:
    for name in ("start_time", "end_time"):
        if not message.HasField(name):
            raise InvalidArgument.field(name, "Is required.")
    return Period(convert.time_in("start_time", message.start_time), convert.time_in("end_time", message.end_time))


def _totals(tally: Tally) -> statistics_pb2.Totals:
    return statistics_pb2.Totals(
        received=tally.of("received"),
        resolved=tally.of("resolved"),
        reopened=tally.of("reopened"),
        backlog=tally.backlog,
        first_response=_durations(tally, "first_response"),
        resolution=_durations(tally, "resolution"),
        automatic=tally.of("automatic"),
        reviewed=tally.of("reviewed"),
        confirmed=tally.of("confirmed"),
        corrected=tally.of("corrected"),
        failed=tally.of("failed"),
        replies=tally.of("replies"),
        drafts_sent=tally.of("drafts_sent"),
        drafts_unedited=tally.of("drafts_unedited"),
        drafts_dismissed=tally.of("drafts_dismissed"),
        mean_edit_distance=tally.mean("edit_distance", "drafts_sent"),
    )


def _durations(tally: Tally, measure: str) -> statistics_pb2.Durations:
    return statistics_pb2.Durations(
        count=tally.durations(measure),
        median_seconds=tally.quantile(measure, 0.5),
        p90_seconds=tally.quantile(measure, 0.9),
    )


def _line(line: Line) -> statistics_pb2.Line:
    return statistics_pb2.Line(
        measure=line.measure,
        key=line.key,
        name=line.name,
        points=[statistics_pb2.Point(value=value) for value in line.values],
        total=line.total,
        previous_total=line.previous_total,
    )
