"""The period of a query: times as they are, dates in the time zone of the caller, seven days if nothing is said."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import UNSET
from pok.inquiry.v1 import statistics_pb2

from edge_api.schemas.statistics import StatisticsQuery
from runtime.rpc.errors import InvalidArgument
from runtime.zones import zone_of

DAYS = 7
QUARTER = 15 * 60


class Period(NamedTuple):
    """From `start` on, before `end`; UTC."""

    start: datetime
    end: datetime

    def message(self) -> statistics_pb2.Period:
        """As the contract has it."""
        message = statistics_pb2.Period(start_time=Timestamp(), end_time=Timestamp())
        message.start_time.FromDatetime(self.start)
        message.end_time.FromDatetime(self.end)
        return message


def period_of(query: StatisticsQuery, now: datetime) -> Period:
    """The period that is asked for. Raises InvalidArgument."""
    zone = zone_of(query.time_zone)
    end = _next_quarter(now) if query.to is UNSET else _moment("to", query.to, zone)
    if query.from_ is not UNSET:
        return Period(_moment("from", query.from_, zone), end)
    try:
        last = (end - timedelta(microseconds=1)).astimezone(zone).date()
        return Period(_midnight(last - timedelta(days=DAYS - 1), zone), end)
    except OverflowError:
        raise _out_of_range("to") from None


def _moment(field: str, written: str, zone: ZoneInfo) -> datetime:
    try:
        if "T" in written:
            return datetime.fromisoformat(written).astimezone(UTC)
        day = date.fromisoformat(written)
        return _midnight(day + timedelta(days=1) if field == "to" else day, zone)
    except (ValueError, OverflowError):
        raise _out_of_range(field) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _next_quarter(now: datetime) -> datetime:
    return datetime.fromtimestamp(-(-now.timestamp() // QUARTER) * QUARTER, UTC)


def _out_of_range(field: str) -> InvalidArgument:
    return InvalidArgument.field(field, f"{field} must be a date or a time that there is.")
