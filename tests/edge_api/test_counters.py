"""Valkey is asked once for all who ask together, and not at all while it does not answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edge_api.counters import Counters, CountersUnavailableError
from runtime.settings import Secret

ECHO = "return {tonumber(ARGV[1])}"


class Mute:
    """A server that accepts connections and keeps silent."""

    heard = 0
    _writers: list[asyncio.StreamWriter]

    async def __aenter__(self) -> "Mute":
        self._writers = []
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
        self._writers.append(writer)
        while data := await reader.read(1000):
            self.heard += len(data)


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


async def test_silent_valkey_is_left_alone_for_a_while() -> None:
    async with Mute() as mute:
        counters = Counters(mute.url)
        async with counters.opened():
            with pytest.raises(CountersUnavailableError):
                await counters.run(ECHO, [], [1])
            heard = mute.heard
            for _ in range(5):
                with pytest.raises(CountersUnavailableError):
                    await counters.run(ECHO, [], [1])
            assert mute.heard == heard


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
