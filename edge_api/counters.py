"""Counters that all processes of the edge share, in Valkey; they are asked quickly or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from runtime.settings import Secret
from runtime.valkey import AWAY

PATIENCE = 0.05
"""Seconds that a request waits for Valkey."""

GRACE = 20
"""Turns of a busy event loop in which it may still read an answer that has come in time."""

PAUSE = 1.0
"""Seconds without asking after Valkey has failed to answer."""

CONNECTION_TIMEOUT = 1.0
"""Seconds after which a connection that says nothing is given up."""

log = structlog.get_logger(__name__)


class CountersUnavailableError(Exception):
    """Valkey did not answer in time; whoever asked decides what that means."""


class _Question(NamedTuple):
    script: str
    keys: Sequence[str]
    arguments: Sequence[int]
    answer: asyncio.Future[list[int]]


class Counters:
    """Runs atomic scripts; what is asked at the same time shares one connection and one round trip."""

    def __init__(self, redis_url: Secret) -> None:
        # No time-outs of redis-py's own: they can swallow a cancellation.
        self._redis = Redis.from_url(
            redis_url, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        self._questions: list[_Question] = []
        self._sending: asyncio.Task[None] | None = None
        self._paused_until = 0.0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect before the first request comes, if Valkey is there, and close the connection in the end."""
        try:
            await self._connect()
            yield
        finally:
            if self._sending:
                self._sending.cancel()
            await self._redis.aclose()

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[int]) -> list[int]:
        """What the Lua script returns; raises CountersUnavailableError after at most 50 ms."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise CountersUnavailableError
        question = _Question(script, keys, arguments, loop.create_future())
        self._questions.append(question)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        try:
            await asyncio.wait({question.answer}, timeout=PATIENCE)
            for _ in range(GRACE):
                if question.answer.done():
                    return question.answer.result()
                await asyncio.sleep(0)
        finally:
            question.answer.cancel()
        self._pause("slow")
        raise CountersUnavailableError

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECTION_TIMEOUT):
                await self._redis.ping()
        except AWAY as error:
            self._pause(type(error).__name__)

    async def _send(self) -> None:
        while self._questions:
            batch, self._questions = self._questions, []
            try:
                async with asyncio.timeout(CONNECTION_TIMEOUT):
                    await self._ask([question for question in batch if not question.answer.done()])
            except AWAY as error:
                self._pause(type(error).__name__)
                for question in batch + self._questions:
                    if not question.answer.done():
                        question.answer.set_exception(CountersUnavailableError())

    async def _ask(self, batch: Sequence[_Question]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for question in batch:
                pipeline.eval(question.script, len(question.keys), *question.keys, *question.arguments)
            answers: list[Any] = await pipeline.execute()
        for question, answer in zip(batch, answers, strict=True):
            if not question.answer.done():
                question.answer.set_result(answer)

    def _pause(self, error: str) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._paused_until:
            log.warning("counters_unavailable", error=error, pause=PAUSE)
        self._paused_until = now + PAUSE
