"""Browsers get every event once and in order, whatever happens to them, to the edge or to the service behind it."""

import asyncio
import random
from contextlib import AsyncExitStack

import httpx
import jwt
import pytest

from edge_api.tokens import AUDIENCE
from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.support.edge import KEYS, Edge, edge, problem, stop
from tests.support.events import write_events
from tests.support.inquiry import Service, inquiry_service
from tests.support.servers import free_ports
from tests.support.sse import STREAM, Listening, listening


def number_of(position: str) -> int:
    return int(position.rpartition("-")[2])


async def logged(service: Service) -> list[int]:
    return [row["number"] for row in await service.sql("select number from event order by era, txid, number")]


async def taken(stream: Listening, count: int) -> list[int]:
    """The numbers of the next so many events."""
    return [number_of((await stream.next("inquiry")).id) for _ in range(count)]


async def test_browser_is_told_what_happened_and_what_the_inquiry_is_now(
    api: Edge, service: Service, newcomer: Newcomer
) -> None:
    async with listening(api, await newcomer("support")) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        ready = await anext(aiter(stream))
        assert (ready.kind, ready.data) == ("ready", {"position": ready.id})
        created = (await service.create()).inquiry
        async for sent in stream:
            if sent.data and sent.data.get("inquiry_id") == created.id:
                break
    assert sent.kind == "inquiry"
    assert sent.data == {
        "inquiry_id": created.id,
        "kind": "inquiry_created",
        "version": 1,
        "changed": [],
        "triage_state": "queued",
        "status": "new",
        "category": None,
    }


@pytest.mark.parametrize(("role", "status", "key"), [("anonymous", 401, "unauthenticated"), ("user", 403, "forbidden")])
async def test_only_staff_may_listen(api: Edge, newcomer: Newcomer, role: str, status: int, key: str) -> None:
    problem(await api.get(STREAM, headers=await newcomer(role)), status, key)


async def test_head_of_the_stream_is_answered_and_over(api: Edge, newcomer: Newcomer) -> None:
    answer = await api.head(STREAM, headers=await newcomer("support"))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_position_may_stand_in_the_query(api: Edge, service: Service, newcomer: Newcomer) -> None:
    headers = await newcomer("support")
    async with listening(api, headers) as stream:
        ready = await stream.next("ready")
    created = (await service.create()).inquiry
    async with listening(api, headers, after=ready.id) as stream:
        assert (await stream.next("inquiry")).data["inquiry_id"] == created.id


async def test_foreign_position_means_loading_everything_anew(api: Edge, service: Service, newcomer: Newcomer) -> None:
    async with listening(api, await newcomer("support"), "00000000-1-2-3") as stream:
        resync = await stream.next("resync")
        assert resync.data == {"reason": "epoch"}
        created = (await service.create()).inquiry
        assert (await stream.next("inquiry")).data["inquiry_id"] == created.id


async def listen_interrupted(
    api: Edge, service: Service, headers: dict[str, str], transactions: int, size: int, interruptions: int
) -> None:
    """Listen while 8 writers write, come back after each interruption, and compare with the log."""
    async with listening(api, headers) as stream:
        last_id = (await stream.next("ready")).id
    before = len(await logged(service))
    writing = asyncio.create_task(write_events(service.database_url, transactions=transactions, size=size))
    expected = transactions * size * 9 // 10
    seen: list[int] = []
    for stop_at in [*sorted(random.sample(range(1, expected), interruptions)), expected]:
        async with listening(api, headers, last_id) as stream:
            seen += await taken(stream, stop_at - len(seen))
            last_id = stream.id
    assert set(seen) == await writing
    assert seen == (await logged(service))[before:]


async def test_browser_interrupted_at_random_misses_and_repeats_nothing(
    api: Edge, service: Service, newcomer: Newcomer
) -> None:
    await listen_interrupted(api, service, await newcomer("support"), transactions=80, size=10, interruptions=15)


@pytest.mark.long
async def test_browser_interrupted_a_hundred_times_misses_and_repeats_nothing(
    api: Edge, service: Service, newcomer: Newcomer
) -> None:
    await listen_interrupted(api, service, await newcomer("support"), transactions=1120, size=10, interruptions=100)


async def test_edge_that_has_just_started_leads_browsers_up_to_the_live_end(
    service: Service, api: Edge, newcomer: Newcomer
) -> None:
    headers = await newcomer("support")
    async with listening(api, headers) as stream:
        last_id = (await stream.next("ready")).id
    before = len(await logged(service))
    await write_events(service.database_url, transactions=160, size=10)
    async with edge(f"127.0.0.1:{service.port}") as other, listening(other, headers, last_id) as stream:
        written = (await logged(service))[before:]
        assert await taken(stream, len(written)) == written
        created = (await service.create()).inquiry
        assert (await stream.next("inquiry")).data["inquiry_id"] == created.id


async def test_browser_that_does_not_read_holds_up_nobody_and_can_come_back(
    api: Edge, service: Service, newcomer: Newcomer
) -> None:
    headers = await newcomer("support")
    async with listening(api, headers) as slow:
        ready = await slow.next("ready")
        before = len(await logged(service))
        async with listening(api, headers, ready.id) as quick:
            for _ in range(4):
                await write_events(service.database_url, transactions=80, size=50)
            written = (await logged(service))[before:]
            assert await taken(quick, len(written)) == written
        seen: list[int] = []
        try:
            async for sent in slow:
                if sent.kind == "inquiry":
                    seen.append(number_of(sent.id))
                if len(seen) == len(written):
                    break
        except httpx.RemoteProtocolError:  # it was cut
            pass
    async with listening(api, headers, slow.id) as resumed:
        seen += await taken(resumed, len(written) - len(seen))
    assert seen == written


async def test_stream_ends_when_the_access_token_expires(api: Edge, newcomer: Newcomer) -> None:
    headers = await newcomer("support")
    claims = jwt.decode(
        headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False}, audience=AUDIENCE
    )
    kid, _, secret = KEYS.partition(",")[0].partition(":")
    claims["exp"] = claims["iat"] + 2
    shortlived = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})
    async with asyncio.timeout(20), listening(api, {"Authorization": f"Bearer {shortlived}"}) as stream:
        await stream.ended()
    problem(await api.get(STREAM, headers={"Authorization": f"Bearer {shortlived}"}), 401, "bad-token")


@pytest.mark.parametrize(
    "change",
    [
        "update session set revoke_time = now() where id = $1",
        "update account set role = 'user' where id = (select account_id from session where id = $1)",
        "update account set active = false where id = (select account_id from session where id = $1)",
    ],
)
async def test_stream_ends_when_its_session_ends_or_its_role_is_lost(
    api: Edge, service: Service, newcomer: Newcomer, change: str
) -> None:
    headers = await newcomer("support")
    token = jwt.decode(
        headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False}, audience=AUDIENCE
    )
    async with asyncio.timeout(20), listening(api, headers) as stream:
        await stream.next("ready")
        await service.sql(change, token["sid"])
        await stream.ended()


async def test_browsers_notice_nothing_of_a_restart_of_the_service(database_url: str, redis_url: str) -> None:
    address = f"127.0.0.1:{free_ports()}"
    async with AsyncExitStack() as stack:
        async with inquiry_service(database_url, redis_url, inquiry_listen=address) as service:
            headers = await newcomer_of(service, "support")
            api = await stack.enter_async_context(edge(address))
            stream = await stack.enter_async_context(listening(api, headers))
            await stream.next("ready")
            await service.create()
            seen = await taken(stream, 1)
        written = await write_events(database_url, transactions=8, size=2)
        async with inquiry_service(database_url, redis_url, inquiry_listen=address) as service:
            await service.create()
            seen += await taken(stream, len(written) + 1)
            assert seen == await logged(service)


async def test_streams_end_when_the_edge_is_asked_to(service: Service, newcomer: Newcomer) -> None:
    headers = await newcomer("support")
    async with edge(f"127.0.0.1:{service.port}") as other, listening(other, headers) as stream:
        await stream.next("ready")
        stopping = asyncio.create_task(stop(other.process))
        await stream.ended()
        assert await stopping == 0
