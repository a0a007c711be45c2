"""Valkey is asked once for all who ask together, and not at all while it does not answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edge_api.counters import Counters, CountersUnavailableError
from runtime.settings import Secret

ECHO = "return {tonumber(ARGV[1])}"


class Broken:
    """A server that accepts connections and keeps silent, or hangs up."""

    def __init__(self, *, hangs_up: bool) -> None:
        self.connections = 0
        self._hangs_up = hangs_up
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Broken":
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    @property
    def url(self) -> Secret:
        return Secret(f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}")

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        if self._hangs_up:
            writer.close()


@pytest.fixture
async def counters(redis_url: str) -> AsyncIterator[Counters]:
    made = Counters(Secret(redis_url))
    async with made.opened():
        yield made


async def test_everyone_gets_their_own_answer(counters: Counters) -> None:
    answers = await asyncio.gather(*(counters.run(ECHO, [], [number]) for number in range(200)))
    assert answers == [[number] for number in range(200)]


async def test_caller_that_goes_away_leaves_the_others_their_answers(counters: Counters) -> None:
    asked = [asyncio.create_task(counters.run(ECHO, [], [number])) for number in range(20)]
    await asyncio.sleep(0)
    asked[3].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[3], asyncio.CancelledError)
    assert [answer for answer in answers if isinstance(answer, list)] == [[n] for n in range(20) if n != 3]


async def test_valkey_that_is_away_is_not_waited_for() -> None:
    counters = Counters(Secret("redis://127.0.0.1:1"))
    async with counters.opened():
        for _ in range(2):
            with pytest.raises(CountersUnavailableError):
                await counters.run(ECHO, [], [1])


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_broken_valkey_is_left_alone_for_a_while(hangs_up: bool) -> None:
    async with Broken(hangs_up=hangs_up) as broken:
        counters = Counters(broken.url)
        async with counters.opened():
            for _ in range(5):
                with pytest.raises(CountersUnavailableError):
                    await counters.run(ECHO, [], [1])
        assert broken.connections == 1


async def test_valkey_that_has_come_back_is_asked_again(counters: Counters) -> None:
    with pytest.raises(CountersUnavailableError):
        await counters.run("return redis.error_reply('BUSY')", [], [])
    async with asyncio.timeout(10):
        while True:
            try:
                assert await counters.run(ECHO, [], [7]) == [7]
                return
            except CountersUnavailableError:
                await asyncio.sleep(0.1)
