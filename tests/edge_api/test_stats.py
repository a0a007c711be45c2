"""Statistics over HTTP: periods as people write them, lines as charts want them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from edge_api.periods import period_of
from edge_api.schemas.statistics import StatisticsQuery
from tests.edge_api.conftest import Newcomer
from tests.support.edge import Edge, problem
from tests.support.events import until
from tests.support.inquiry import Service

NOW = datetime(2026, 11, 25, 22, 46, 3, tzinfo=UTC)
OLD = datetime(2001, 5, 7, 10, 30, tzinfo=UTC)
"""A Monday of which no other test knows."""


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        (StatisticsQuery(), utc(2026, 11, 19), utc(2026, 11, 25, 23)),
        (StatisticsQuery(time_zone="Asia/Kolkata"), utc(2026, 11, 19, 18, 30), utc(2026, 11, 25, 23)),
        (StatisticsQuery(from_="2026-11-01"), utc(2026, 11, 1), utc(2026, 11, 25, 23)),
        (StatisticsQuery(to="2026-11-10"), utc(2026, 11, 4), utc(2026, 11, 11)),
        (StatisticsQuery(from_="2026-11-10", to="2026-11-10"), utc(2026, 11, 10), utc(2026, 11, 11)),
        # One day without its first hour, one with an hour twice.
        (
            StatisticsQuery(from_="2026-09-06", to="2026-09-06", time_zone="America/Santiago"),
            utc(2026, 9, 6, 4),
            utc(2026, 9, 7, 3),
        ),
        (
            StatisticsQuery(from_="2026-10-25", to="2026-10-25", time_zone="Europe/Madrid"),
            utc(2026, 10, 24, 22),
            utc(2026, 10, 25, 23),
        ),
        (
            StatisticsQuery(from_="2026-11-10T10:00+02:00", to="2026-11-10T10:00:00Z", time_zone="Europe/Madrid"),
            utc(2026, 11, 10, 8),
            utc(2026, 11, 10, 10),
        ),
    ],
)
def test_period_is_what_the_query_says(query: StatisticsQuery, start: datetime, end: datetime) -> None:
    assert period_of(query, NOW) == (start, end)


@pytest.fixture
async def known(service: Service) -> None:
    """Three inquiries of one day in 2001 and one of the day before it are counted."""
    (row,) = await service.sql(
        "select coalesce(sum(amount), 0) as amount from statistic where width = 86400 and bucket < '2002-01-01'"
    )
    if row["amount"]:
        return
    for moment in (OLD, OLD, OLD + timedelta(hours=2), OLD - timedelta(days=1)):
        await service.sql(
            """insert into event (inquiry_id, version, kind, actor, body)
            values ($1, 1, 'inquiry_imported', 'agent', $2)""",
            *(uuid4(), json.dumps({"create_time": moment.isoformat(), "category": "billing_payment"})),
        )

    async def counted() -> bool:
        rows = await service.sql(
            """select amount from statistic
            where dimension = '' and measure = 'received' and bucket < '2002-01-01' and width = 86400"""
        )
        return sorted(row["amount"] for row in rows)[-2:] == [1, 3]

    await until(counted)


@pytest.mark.usefixtures("known")
async def test_totals_come_with_those_before_and_the_change(api: Edge, newcomer: Newcomer) -> None:
    query = {"from": "2001-05-07", "to": "2001-05-07"}
    answer = (await api.get("/api/stats/", params=query, headers=await newcomer("support"))).json()
    assert (answer["from"], answer["to"]) == ("2001-05-07T00:00:00Z", "2001-05-08T00:00:00Z")
    assert (answer["totals"]["received"], answer["previous"]["received"], answer["change"]["received"]) == (3, 1, 2.0)
    assert (answer["totals"]["backlog"], answer["previous"]["backlog"]) == (4, 1)
    assert answer["totals"]["first_response"] == {"count": 0, "median_seconds": None, "p90_seconds": None}
    assert answer["totals"]["agreement"] is answer["change"]["first_response_median_seconds"] is None
    assert answer["counted_until"] > "2026"
    assert answer["position"].count("-") == 3


@pytest.mark.usefixtures("known")
async def test_series_is_ready_for_a_chart(api: Edge, newcomer: Newcomer) -> None:
    query = {"from": "2001-05-07T10:00Z", "to": "2001-05-07T13:00Z", "step": "hour", "time_zone": "Asia/Kolkata"}
    answer = (await api.get("/api/stats/categories/", params=query, headers=await newcomer("admin"))).json()
    assert (answer["series"], answer["step"], answer["time_zone"]) == ("categories", "hour", "Asia/Kolkata")
    assert answer["steps"] == [f"2001-05-07T{time}:00Z" for time in ("10:00", "10:30", "11:30", "12:30")]
    assert answer["lines"] == [
        {
            "measure": "received",
            "key": "billing_payment",
            "name": None,
            "values": [0, 2, 0, 1],
            "total": 3,
            "previous_total": 0,
            "change": None,
        }
    ]


@pytest.mark.parametrize(
    "series",
    ["volume", "categories", "sentiments", "languages", "agents", "response_times", "ai", "drafts", "learning"],
)
async def test_every_series_is_served(api: Edge, newcomer: Newcomer, series: str) -> None:
    answer = (await api.get(f"/api/stats/{series}/", headers=await newcomer("support"))).json()
    assert len(answer["steps"]) == 7
    assert {len(line["values"]) for line in answer["lines"]} <= {7}


@pytest.mark.parametrize("series", ["weather", "unspecified", "VOLUME", "1"])
async def test_unknown_series_is_not_found(api: Edge, newcomer: Newcomer, series: str) -> None:
    problem(await api.get(f"/api/stats/{series}/", headers=await newcomer("support")), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-11-01T10:00:00"}, "from"),
        ({"from": "2026-11-01T10:01:00Z"}, "from"),
        ({"from": "1969-01-01", "to": "1969-02-01"}, "from"),
        ({"from": "2026-11-10", "to": "2026-11-09"}, "to"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "to"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "to"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
        ({"to": "0001-01-01", "time_zone": "Asia/Kolkata"}, "to"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"step": "year"}, "step"),
        ({"from": "2026-01-01", "to": "2026-06-01", "step": "hour"}, "step"),
    ],
)
async def test_wrong_parameter_is_named(api: Edge, newcomer: Newcomer, query: dict[str, str], field: str) -> None:
    answer = await api.get("/api/stats/volume/", params=query, headers=await newcomer("support"))
    assert [error["field"] for error in problem(answer, 400, "invalid-request")["errors"]] == [field]
