"""Who watches gets every event once and in order, however late, slow or often interrupted they are."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest
from pok.inquiry.v1 import inquiry_pb2, live_pb2, live_pb2_grpc

from inquiry_service.migrations import run
from inquiry_service.projections import live as feed
from runtime.rpc.client import dial
from runtime.rpc.context import Role
from runtime.rpc.errors import PermissionDenied, Unavailable
from tests.support.events import write_events
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import PostgresServer, free_ports
from tests.support.tokens import TOKENS

LIFE = 60.0


def watch(service: Service, after: str = "") -> Any:
    """The stream, to be closed by `aclosing`."""
    request = live_pb2.WatchInquiriesRequest(after=after)
    return aclosing(aiter(service.live.WatchInquiries(request, timeout=LIFE)))


async def beginning(service: Service, after: str = "") -> live_pb2.WatchInquiriesResponse:
    """What a new watcher gets first."""
    async with watch(service, after) as responses:
        first: live_pb2.WatchInquiriesResponse = await anext(responses)
        return first


async def events_of(responses: AsyncIterator[live_pb2.WatchInquiriesResponse]) -> AsyncIterator[live_pb2.LiveEvent]:
    """The events one by one."""
    async for response in responses:
        assert response.WhichOneof("content") != "resync"
        for event in response.events.events:
            yield event


async def taken(service: Service, after: str, count: int) -> list[live_pb2.LiveEvent]:
    """The next so many events."""
    events: list[live_pb2.LiveEvent] = []
    async with watch(service, after) as responses:
        async for event in events_of(responses):
            events.append(event)
            if len(events) == count:
                break
    return events


def number_of(event: live_pb2.LiveEvent) -> int:
    return int(event.position.rpartition("-")[2])


async def logged(service: Service) -> list[int]:
    return [row["number"] for row in await service.sql("select number from event order by era, txid, number")]


async def test_watcher_is_told_what_happened_and_what_the_inquiry_is_now(service: Service) -> None:
    start = (await beginning(service)).position
    act_as("anonymous")
    created = (await service.create()).inquiry
    act_as("support")
    await service.complete(await service.must_claim(created.id))
    events = await taken(service, start, 3)
    assert [(event.inquiry_id, event.kind) for event in events] == [
        (created.id, kind) for kind in ("inquiry_created", "triage_started", "triage_completed")
    ]
    assert events[0].actor == inquiry_pb2.ACTOR_CUSTOMER
    assert "category" in events[2].changed
    assert list(events[2].changed) == sorted(events[2].changed)
    assert (events[2].category, events[2].triage_state) == ("billing_payment", inquiry_pb2.TRIAGE_STATE_DONE)
    assert events[2].status == inquiry_pb2.INQUIRY_STATUS_NEW


async def test_event_of_an_erased_inquiry_says_nothing_of_its_state(service: Service) -> None:
    start = (await beginning(service)).position
    created = (await service.create()).inquiry
    act_as("admin")
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=created.id))
    (event,) = await taken(service, start, 1)
    assert (event.inquiry_id, event.kind) == (created.id, "inquiry_created")


async def test_feed_begins_with_a_heartbeat_at_the_present_end(service: Service) -> None:
    await service.create()
    async with watch(service) as responses:
        first = await anext(responses)
        assert first.WhichOneof("content") == "heartbeat"
        while not first.position.endswith(f"-{(await logged(service))[-1]}"):
            first = await anext(responses)
        assert len(first.position) <= 64
    assert (await beginning(service, first.position)).position == first.position


async def test_two_watchers_get_the_same(service: Service) -> None:
    start = (await beginning(service)).position
    written = await write_events(service.database_url, transactions=24, size=5)
    one, other = await asyncio.gather(*(taken(service, start, len(written)) for _ in range(2)))
    assert one == other
    assert [number_of(event) for event in one] == await logged(service)


async def follow_interrupted(service: Service, transactions: int, size: int, interruptions: int) -> None:
    """Watch while 8 writers write, come back after each interruption, and compare with the log."""
    seen: list[live_pb2.LiveEvent] = []
    position = (await beginning(service)).position
    writing = asyncio.create_task(write_events(service.database_url, transactions=transactions, size=size))
    expected = transactions * size * 9 // 10
    for stop in [*sorted(random.sample(range(1, expected), interruptions)), expected]:
        async with watch(service, position) as responses:
            while len(seen) < stop:
                response = await anext(responses)
                assert response.WhichOneof("content") != "resync"
                seen += response.events.events
                position = response.position
    written = await writing
    assert {number_of(event) for event in seen} == written
    assert [number_of(event) for event in seen] == await logged(service)


async def test_watcher_interrupted_at_random_misses_and_repeats_nothing(service: Service) -> None:
    await follow_interrupted(service, transactions=160, size=10, interruptions=15)


@pytest.mark.long
async def test_watcher_interrupted_a_hundred_times_misses_and_repeats_nothing(service: Service) -> None:
    await follow_interrupted(service, transactions=1120, size=10, interruptions=100)


async def test_late_watcher_is_led_from_pages_to_the_live_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "KEPT", 100)
    start = (await beginning(service)).position
    await write_events(service.database_url, transactions=80, size=20)
    written = await logged(service)
    async with watch(service, start) as responses:
        events = events_of(responses)
        seen = [number_of(await anext(events)) for _ in written]
        assert seen == written
        await service.create()
        assert (await anext(events)).kind == "inquiry_created"


async def test_slow_watcher_holds_up_nobody_and_gets_everything(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "KEPT", 100)
    start = (await beginning(service)).position
    async with watch(service, start) as slow:
        await anext(slow)
        for _ in range(3):
            await write_events(service.database_url, transactions=160, size=20)
            written = await logged(service)
            assert [number_of(event) for event in await taken(service, start, len(written))] == written
        events = events_of(slow)
        assert [number_of(await anext(events)) for _ in written] == written


@pytest.mark.parametrize("after", ["00000000-1-1-1", "garbage", "x" * 64, "1-2-3"])
async def test_position_of_another_epoch_means_loading_everything_anew(service: Service, after: str) -> None:
    await service.create()
    first = await beginning(service, after)
    assert first.resync.reason == "epoch"
    assert (await beginning(service, first.position)).WhichOneof("content") == "heartbeat"


async def test_position_that_the_log_does_not_reach_means_loading_everything_anew(service: Service) -> None:
    await service.create()
    epoch = (await beginning(service)).position.partition("-")[0]
    assert (await beginning(service, f"{epoch}-1-999999999999-7")).resync.reason == "epoch"


async def test_position_before_the_retained_log_means_loading_everything_anew(
    service: Service, postgres: PostgresServer
) -> None:
    start = (await beginning(service)).position
    await write_events(service.database_url, transactions=9, size=2)
    first, *_ = await taken(service, start, 16)
    owner = await asyncpg.connect(postgres.as_owner(service.database_url), timeout=10)
    await owner.execute("delete from event where number <= $1", number_of(first) + 1)
    await owner.close()
    assert (await beginning(service, first.position)).resync.reason == "retention"


async def test_watchers_are_told_when_the_database_is_restored_under_them(
    service: Service, postgres: PostgresServer
) -> None:
    await service.create()
    async with watch(service) as responses:
        known = await anext(responses)
        owner = await asyncpg.connect(postgres.as_owner(service.database_url), timeout=10)
        await owner.execute("update feed set system_identifier = system_identifier + 1")
        await owner.close()
        await asyncio.to_thread(run.upgrade, postgres.as_owner(service.database_url), service.database_url)
        response = known
        while response.WhichOneof("content") != "resync":
            response = await anext(responses)
        assert response.resync.reason == "epoch"
        created = (await service.create()).inquiry
        event = await anext(events_of(responses))
        assert event.inquiry_id == created.id
        assert event.position.partition("-")[0] != known.position.partition("-")[0]


async def test_stream_ends_when_the_service_stops_and_goes_on_with_the_next_one(
    database_url: str, redis_url: str
) -> None:
    act_as("support")
    address = f"127.0.0.1:{free_ports()}"
    async with dial(address, TOKENS["edge"], timeout=10, send_principal=True) as channel:
        async with inquiry_service(database_url, redis_url, inquiry_listen=address):
            stub = live_pb2_grpc.LiveServiceStub(channel)
            responses = aiter(stub.WatchInquiries(live_pb2.WatchInquiriesRequest(), timeout=LIFE))
            position = (await anext(responses)).position
        assert await anext(responses, None) is None
    async with inquiry_service(database_url, redis_url) as after:
        await after.create()
        assert [number_of(event) for event in await taken(after, position, 1)] == await logged(after)


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_may_watch(service: Service, role: Role) -> None:
    act_as(role)
    with pytest.raises(PermissionDenied):
        await beginning(service)


async def test_watching_fails_for_now_while_the_log_cannot_be_read(redis_url: str) -> None:
    act_as("support")
    async with inquiry_service("postgresql://nobody:none@127.0.0.1:1/none", redis_url) as service:
        with pytest.raises(Unavailable):
            await beginning(service)
