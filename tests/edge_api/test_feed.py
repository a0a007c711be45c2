"""What the live feed of a process keeps in memory, and whom it lets go."""

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import pytest

from edge_api import live
from edge_api.backend import Backend
from edge_api.live import Feed, FellBehindError, Watcher
from inquiry_service.domain.watching import Watching
from runtime import process
from runtime.rpc.errors import Unavailable
from tests.support.events import until, write_events
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.tokens import TOKENS


@pytest.fixture
async def service(database_url: str, redis_url: str) -> AsyncIterator[Service]:
    act_as("support")
    async with inquiry_service(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def position(service: Service) -> str:
    """That of an event which is in no memory of a feed, since 39 more were written before it began."""
    await write_events(service.database_url, transactions=8, size=5)
    (row,) = await service.sql("select epoch, event.* from event, feed order by event.era, txid, event.number limit 1")
    return f"{row['epoch']}-{row['era']}-{row['txid']}-{row['number']}"


async def newest(service: Service) -> str:
    """The position of the last event."""
    (row,) = await service.sql(
        "select epoch, event.* from event, feed order by event.era desc, txid desc, event.number desc limit 1"
    )
    return f"{row['epoch']}-{row['era']}-{row['txid']}-{row['number']}"


@pytest.fixture
async def feed(service: Service, position: str) -> AsyncIterator[Feed]:
    backend = Backend(f"127.0.0.1:{service.port}", TOKENS["edge"])
    async with backend.opened():
        followed = Feed(backend)
        last = await newest(service)

        async def begins_after_it() -> bool:
            async with aclosing(followed.watch("")) as responses:
                return (await anext(responses)).position == last

        await until(begins_after_it)
        following = asyncio.create_task(followed.run())
        await followed.started()
        await until(lambda: asyncio.sleep(0, followed.position == last))
        yield followed
        await process.end(following)


async def ids(watcher: Watcher, count: int) -> list[str]:
    """The ids of the next so many events."""
    found: list[str] = []
    while len(found) < count:
        lines = (await watcher.next()).decode().splitlines()
        found += [line[4:] for line, kind in pairwise(lines) if line.startswith("id: ") and kind == "event: inquiry"]
    return found


def open_watches() -> set[object]:
    """All watches there are, in all services that ever ran in this process."""
    gc.collect()  # those of earlier tests
    generators = [each for each in gc.get_objects() if inspect.isasyncgen(each)]
    return {each for each in generators if each.ag_code is Watching.watch.__code__ and each.ag_frame is not None}


async def test_watcher_who_falls_out_of_memory_is_let_go_and_comes_back_without_a_gap(
    feed: Feed, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEPT", 50)
    slow = await Watcher.begin(feed, "")
    start = feed.position
    await slow.next()
    await write_events(service.database_url, transactions=40, size=10)
    await until(lambda: asyncio.sleep(0, slow.fell_behind))
    with pytest.raises(FellBehindError):
        await slow.next()
    last = await newest(service)
    await until(lambda: asyncio.sleep(0, feed.position == last))  # or it may fall out once more
    back = await Watcher.begin(feed, start)
    written = await service.sql("select number from event order by era, txid, number")
    seen = await ids(back, len(written) - 40)
    assert [int(position.rpartition("-")[2]) for position in seen] == [row["number"] for row in written[40:]]
    for watcher in (slow, back):
        await watcher.leave()


async def test_watcher_who_does_not_read_is_ended(
    feed: Feed, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEPT", 50)
    stuck = await Watcher.begin(feed, "")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60) as stuck.limit:
            await write_events(service.database_url, transactions=40, size=10)
            await asyncio.Event().wait()  # as a send that its browser does not take
    assert stuck.fell_behind
    await stuck.leave()


async def test_watcher_joins_the_others_when_it_has_caught_up(feed: Feed, service: Service, position: str) -> None:
    before = open_watches()
    late = await Watcher.begin(feed, position)
    assert len(await ids(late, 39)) == 39
    await until(lambda: asyncio.sleep(0, not open_watches() - before))
    await service.create()
    assert len(await ids(late, 1)) == 1
    await late.leave()


async def test_watcher_who_goes_away_while_it_catches_up_leaves_no_watch_behind(feed: Feed, position: str) -> None:
    before = open_watches()
    late = await Watcher.begin(feed, position)
    await until(lambda: asyncio.sleep(0, len(open_watches() - before) == 1))
    await late.leave()
    await until(lambda: asyncio.sleep(0, not open_watches() - before))


async def test_no_more_are_let_in_than_leave_room_for_others(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_WATCHERS", 1)
    first = await Watcher.begin(feed, "")
    with pytest.raises(Unavailable):
        await Watcher.begin(feed, "")
    await first.leave()
    await (await Watcher.begin(feed, "")).leave()


async def test_feed_without_a_service_refuses_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "START_SECONDS", 0.1)
    backend = Backend("127.0.0.1:1", TOKENS["edge"])
    async with backend.opened():
        with pytest.raises(Unavailable):
            await Watcher.begin(Feed(backend), "")


async def test_silent_listeners_are_told_that_the_stream_is_alive(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    watcher = await Watcher.begin(feed, "")
    await watcher.next()
    beating = asyncio.create_task(feed.beat())
    assert (await watcher.next()).startswith(b":")
    await process.end(beating)
    await watcher.leave()
