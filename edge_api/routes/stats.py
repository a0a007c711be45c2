"""Statistics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast, get_args

from litestar import get
from litestar.params import Parameter
from pok.inquiry.v1 import statistics_pb2

from edge_api.body import EdgeRequest
from edge_api.convert import time_of
from edge_api.openapi import operation
from edge_api.periods import period_of
from edge_api.schemas.statistics import (
    SERIES,
    Durations,
    Series,
    SeriesKey,
    SeriesLine,
    SeriesQuery,
    Share,
    Statistics,
    StatisticsQuery,
    Totals,
)
from runtime.rpc.errors import FieldViolation, InvalidArgument, NotFound

Key = Annotated[str, Parameter(description=SERIES, schema_extra={"enum": [*get_args(SeriesKey)]})]

SERIES_NUMBERS: Mapping[str, Any] = {
    name.removeprefix("SERIES_").lower(): number for name, number in statistics_pb2.Series.items() if number
}
STEP_NUMBERS: Mapping[str, Any] = {
    name.removeprefix("STEP_").lower(): number for name, number in statistics_pb2.Step.items() if number
}
FIELDS = {"start_time": "from", "end_time": "to"}


@get(
    "/api/stats",
    summary="Read the numbers of a period",
    tags=["statistics"],
    response_description="The numbers, and those of the equally long period before.",
    **operation("get_statistics", 400, 401, 403),
)
async def get_statistics(request: EdgeRequest) -> Statistics:
    """An inquiry counts when it was received; what people and the AI do counts when they do it. Erasing an inquiry
    takes nothing back. It may take some seconds until something is counted.
    """
    query = request.query(StatisticsQuery)
    period = period_of(query, datetime.now(UTC))
    with _own_field_names():
        response = await request.backend.statistics.GetStatistics(
            statistics_pb2.GetStatisticsRequest(period=period.message())
        )
    totals, previous = _totals(response.totals), _totals(response.previous)
    return Statistics(
        from_=period.start,
        to=period.end,
        totals=totals,
        previous=previous,
        change=dict(_changes(totals, previous)),
        counted_until=time_of(response.counted_until),
        position=response.position,
    )


@get(
    "/api/stats/{series:str}",
    summary="Read a series",
    tags=["statistics"],
    response_description="The series.",
    **operation("get_statistic_series", 400, 401, 403, 404),
)
async def get_statistic_series(request: EdgeRequest, series: Key) -> Series:
    """Lines over the steps of a period, ready for a chart. Inquiries are split by the category, sentiment and language
    that they have now.
    """
    query = request.query(SeriesQuery)
    number = SERIES_NUMBERS.get(series)
    if number is None:
        raise NotFound("There is no such series.")
    period = period_of(query, datetime.now(UTC))
    with _own_field_names():
        response = await request.backend.statistics.GetSeries(
            statistics_pb2.GetSeriesRequest(
                series=number, period=period.message(), step=STEP_NUMBERS[query.step], time_zone=query.time_zone
            )
        )
    return Series(
        series=cast("SeriesKey", series),
        from_=period.start,
        to=period.end,
        step=query.step,
        time_zone=query.time_zone,
        steps=[time_of(step) for step in response.steps],
        lines=[_line(line) for line in response.lines],
        counted_until=time_of(response.counted_until),
        position=response.position,
    )


@contextmanager
def _own_field_names() -> Iterator[None]:
    try:
        yield
    except InvalidArgument as error:
        violations = [FieldViolation(FIELDS.get(field, field), sentence) for field, sentence in error.violations]
        raise InvalidArgument(error.message, reason=error.reason, violations=violations) from None


def _totals(totals: statistics_pb2.Totals) -> Totals:
    return Totals(
        received=totals.received,
        resolved=totals.resolved,
        reopened=totals.reopened,
        backlog=totals.backlog,
        first_response=_durations(totals.first_response),
        resolution=_durations(totals.resolution),
        automatic=totals.automatic,
        reviewed=totals.reviewed,
        confirmed=totals.confirmed,
        corrected=totals.corrected,
        failed=totals.failed,
        replies=totals.replies,
        drafts_sent=totals.drafts_sent,
        drafts_unedited=totals.drafts_unedited,
        drafts_dismissed=totals.drafts_dismissed,
        mean_edit_distance=totals.mean_edit_distance if totals.HasField("mean_edit_distance") else None,
        automatic_share=_share(totals.automatic, totals.automatic + totals.reviewed),
        agreement=_share(totals.confirmed, totals.confirmed + totals.corrected),
        draft_acceptance=_share(totals.drafts_sent, totals.replies),
    )


def _durations(durations: statistics_pb2.Durations) -> Durations:
    return Durations(
        count=durations.count,
        median_seconds=durations.median_seconds if durations.HasField("median_seconds") else None,
        p90_seconds=durations.p90_seconds if durations.HasField("p90_seconds") else None,
    )


def _line(line: statistics_pb2.Line) -> SeriesLine:
    total = line.total if line.HasField("total") else None
    previous = line.previous_total if line.HasField("previous_total") else None
    return SeriesLine(
        measure=line.measure,
        key=line.key or None,
        name=line.name or None,
        values=[point.value if point.HasField("value") else None for point in line.points],
        total=total,
        previous_total=previous,
        change=_change(total, previous),
    )


def _changes(totals: Totals, previous: Totals) -> Iterator[tuple[str, float | None]]:
    for name in Totals.__struct_fields__:
        after, before = getattr(totals, name), getattr(previous, name)
        if isinstance(after, Durations):
            yield f"{name}_median_seconds", _change(after.median_seconds, before.median_seconds)
            yield f"{name}_p90_seconds", _change(after.p90_seconds, before.p90_seconds)
        else:
            yield name, _change(after, before)


def _change(after: float | None, before: float | None) -> float | None:
    return None if after is None or not before else (after - before) / before


def _share(part: int, whole: int) -> Share:
    return part / whole if whole else None
