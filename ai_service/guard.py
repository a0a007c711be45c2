"""What stands before calls that leave this machine: a circuit breaker, a limit of calls at once, a minute's budget."""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Literal

import msgspec
import structlog

from ai_service.analysis import Model
from ai_service.providers.failure import Failure

log = structlog.get_logger(__name__)

Clock = Callable[[], float]

FAILURES = 5
"""Failed calls without one that worked in between, after which the circuit opens."""
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 240.0
"""Seconds that it stays open; doubled each time that the call which tries fails."""
HONOURED = 5.0
"""Seconds; a provider that asks for more is not called before they have passed."""
MINUTE = 60.0
LATEST = 100


class State(msgspec.Struct, frozen=True):
    """How a provider is doing, as seen by this process; `fallback` and `masking` are as configured."""

    model: Model
    circuit: Literal["closed", "open", "half_open"]
    open_until: datetime | None
    last_failure: str
    in_flight: int
    median_ms: float
    fallback: Literal["embedded", "wait"] = "embedded"
    masking: bool = True


class Circuit:
    """Closed: calls go out. Open: none does, until one may try. Half-open: that one decides."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._open_until: float | None = None
        self._trying = False

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """At this moment."""
        if self._open_until is None:
            return "closed"
        return "half_open" if self._trying or self.seconds_left == 0 else "open"

    @property
    def seconds_left(self) -> float:
        """Until a call may try."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def check(self) -> None:
        """Raise Failure (PROVIDER_CIRCUIT_OPEN) unless a call may go out now."""
        if self._open_until is not None and (self._trying or self.seconds_left > 0):
            raise self.refusal()

    def begin(self) -> bool:
        """A call goes out; returns whether it is the one that tries. Raises as `check`."""
        self.check()
        self._trying = self._open_until is not None
        return self._trying

    def refusal(self) -> Failure:
        """Come back when it may have closed; not all at once."""
        delay = max(1.0, self.seconds_left) * random.uniform(1.0, 1.3)  # noqa: S311 - jitter is no secret
        return Failure("The provider is given a rest.", reason="PROVIDER_CIRCUIT_OPEN", retry_delay=delay)

    def succeeded(self) -> None:
        """The provider works."""
        if self._open_until is not None:
            log.info("circuit_closed")
        self._failures, self._pause, self._open_until, self._trying = 0, FIRST_PAUSE, None, False

    def failed(self, asked: float | None, *, trying: bool) -> None:
        """The provider does not work, or asks to be left alone for so many seconds."""
        self._failures += 1
        pause = 0.0
        if trying:
            self._trying = False
            pause = self._pause = min(2 * self._pause, LONGEST_PAUSE)
        elif self._failures >= FAILURES and self._open_until is None:
            pause = self._pause
        if asked is not None and asked > HONOURED:
            pause = max(pause, asked)
        if pause:
            log.warning("circuit_opened", seconds=round(pause, 1), failures=self._failures)
            self._open_until = max(self._open_until or 0.0, self._clock() + pause)

    def abandoned(self, *, trying: bool) -> None:
        """Whoever asked has gone away; if it was the call that tries, the next one does."""
        if trying:
            self._trying = False


class MinuteBudget:
    """At most so many calls and tokens in any 60 seconds; 0 = any number. Tokens are known only after their call."""

    def __init__(self, calls: int, tokens: int, clock: Clock = time.monotonic) -> None:
        self._most_calls, self._most_tokens = calls, tokens
        self._clock = clock
        self._calls: deque[float] = deque()
        self._tokens: deque[tuple[float, int]] = deque()

    def check(self) -> None:
        """Raise Failure (PROVIDER_MINUTE_BUDGET) once it is spent."""
        since = self._clock() - MINUTE
        while self._calls and self._calls[0] <= since:
            self._calls.popleft()
        while self._tokens and self._tokens[0][0] <= since:
            self._tokens.popleft()
        oldest = [self._calls[0]] if self._most_calls and len(self._calls) >= self._most_calls else []
        if self._most_tokens and sum(count for _, count in self._tokens) >= self._most_tokens:
            oldest.append(self._tokens[0][0])
        if oldest:
            delay = max(1.0, max(oldest) - since)
            raise Failure("The minute's budget is spent.", reason="PROVIDER_MINUTE_BUDGET", retry_delay=delay)

    def count_call(self) -> None:
        """One more."""
        self._calls.append(self._clock())

    def count_tokens(self, count: int) -> None:
        """So many more."""
        self._tokens.append((self._clock(), count))


class Guard:
    """All calls to one provider pass here."""

    def __init__(self, *, at_once: int, calls: int = 0, tokens: int = 0, clock: Clock = time.monotonic) -> None:
        self.circuit = Circuit(clock)
        self.budget = MinuteBudget(calls, tokens, clock)
        self._places = asyncio.Semaphore(at_once)
        self._in_flight = 0
        self._last_failure = ""
        self._durations: deque[float] = deque(maxlen=LATEST)

    @asynccontextmanager
    async def call(self, timeout: float) -> AsyncIterator[None]:
        """Around one call; raises Failure instead of letting it go out while circuit, budget or queue forbid it."""
        self.circuit.check()
        self.budget.check()
        try:
            async with asyncio.timeout(timeout):
                await self._places.acquire()
        except TimeoutError:
            raise Failure("Too many calls wait.", reason="PROVIDER_QUEUE_FULL", retry_delay=1.0) from None
        try:
            self.budget.check()  # both again: much may have happened meanwhile
            trying = self.circuit.begin()
            self.budget.count_call()
            async with self._noting(trying):
                yield
        finally:
            self._places.release()

    @asynccontextmanager
    async def _noting(self, trying: bool) -> AsyncIterator[None]:
        started = time.perf_counter()
        self._in_flight += 1
        try:
            yield
        except Failure as failure:
            self._last_failure = failure.reason.lower()
            if failure.is_of_the_call:
                self.circuit.failed(failure.retry_delay, trying=trying)
            else:
                self.circuit.succeeded()
            raise
        except BaseException:
            self.circuit.abandoned(trying=trying)
            raise
        else:
            self._last_failure = ""
            self.circuit.succeeded()
        finally:
            self._in_flight -= 1
            self._durations.append((time.perf_counter() - started) * 1_000)

    def state(self, model: Model) -> State:
        """What an operator wants to know."""
        left = self.circuit.seconds_left
        return State(
            model=model,
            circuit=self.circuit.state,
            open_until=datetime.now(UTC) + timedelta(seconds=left) if left else None,
            last_failure=self._last_failure,
            in_flight=self._in_flight,
            median_ms=median(self._durations) if self._durations else 0.0,
        )
