"""`pok demo` on a running system: two months that look lived in, and that can be taken away again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inquiry_service.demo.command import fill, take_away
from inquiry_service.projections.statistics import Counting
from inquiry_service.storage.database import Database
from tests.support.events import until
from tests.support.projections import projected
from tests.support.system import System

EVERY = 25
DAYS = 62
"""The demo's two months, also when midnight passes meanwhile."""


@pytest.fixture
async def owner(system: System) -> AsyncIterator[Database]:
    """The database as `pok demo` opens it, without a demo afterwards."""
    database = Database(system.database_url(), size=2)
    await database.open()
    yield database
    await take_away(database)
    await database.close()


async def found(system: System, **parameters: str) -> dict[str, Any]:
    """A page of the list."""
    answer = await system.http.get("/api/inquiries/", params={"page_size": "100", **parameters})
    page: dict[str, Any] = answer.raise_for_status().json()
    return page


async def counted(system: System) -> tuple[int, int, int]:
    """Received, answered and resolved in the last DAYS."""
    since = (datetime.now(UTC) - timedelta(days=DAYS)).date().isoformat()
    answer = await system.http.get("/api/stats/", params={"from": since})
    totals = answer.raise_for_status().json()["totals"]
    return totals["received"], totals["replies"], totals["resolved"]


async def test_demo_is_refused_where_there_are_other_inquiries(system: System, owner: Database) -> None:
    await system.create()
    before = (await found(system))["total"]
    assert await fill(owner, anyway=False) == 1
    assert (await found(system))["total"] == before


async def test_demo_lies_in_the_past_is_counted_there_and_goes_without_a_trace(system: System, owner: Database) -> None:
    created = await system.create()
    await system.final([created["id"]], seconds=30)
    await projected(system, Counting.name)
    before, listed = await counted(system), (await found(system))["total"]
    people = (await system.http.get("/api/agents/")).json()

    assert await fill(owner, anyway=True, every=EVERY) == 0
    page = await found(system, ordering="create_time")
    ours = page["total"] - listed
    assert ours > 5
    old = page["items"][0]
    assert old["create_time"] < (datetime.now(UTC) - timedelta(days=14)).isoformat()
    said = (await system.http.get(f"/api/inquiries/{old['id']}/messages/")).json()["items"]
    told = (await system.http.get(f"/api/inquiries/{old['id']}/events/")).json()["items"]
    for times in ([one["create_time"] for one in said], [one["create_time"] for one in told]):
        assert times == sorted(times)
        assert times[0] == old["create_time"]

    async def all_counted() -> bool:
        received, replies, resolved = await counted(system)
        return received == before[0] + ours and replies > before[1] and resolved > before[2]

    await until(all_counted)

    assert await fill(owner, anyway=True) == 1  # once is enough
    assert await take_away(owner) == 0
    assert (await found(system))["total"] == listed
    assert (await system.http.get("/api/agents/")).json() == people

    async def counted_as_before() -> bool:
        return await counted(system) == before

    await until(counted_as_before)
