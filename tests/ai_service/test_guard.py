"""The circuit opens after failures and closes after a call that worked; a minute has a budget; few calls go at once."""

import asyncio

import pytest

from ai_service.analysis import Model
from ai_service.guard import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Guard
from ai_service.providers.failure import Failure, bad_answer

MODEL = Model(provider="openai", name="m")
BROKEN = Failure("x", reason="PROVIDER_FAILED")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    return Guard(at_once=2, clock=clock)


async def call(guard: Guard, failure: Failure | None = None) -> str:
    """One call that ends like this; returns the reason for which it did not go out, if it did not."""
    gone_out = False
    try:
        async with guard.call(0.2):
            gone_out = True
            if failure:
                raise failure
    except Failure as raised:
        return "" if gone_out else raised.reason
    return ""


async def opened(guard: Guard) -> None:
    for _ in range(FAILURES):
        assert await call(guard, BROKEN) == ""
    assert guard.state(MODEL).circuit == "open"


async def test_circuit_opens_after_failures_in_a_row(guard: Guard) -> None:
    for _ in range(FAILURES - 1):
        await call(guard, BROKEN)
    await call(guard)
    await opened(guard)
    assert await call(guard) == "PROVIDER_CIRCUIT_OPEN"


async def test_one_call_tries_when_the_rest_is_over_and_others_wait_for_it(guard: Guard, clock: Clock) -> None:
    await opened(guard)
    clock.now += FIRST_PAUSE
    assert guard.state(MODEL).circuit == "half_open"
    async with guard.call(0.2):
        assert await call(guard) == "PROVIDER_CIRCUIT_OPEN"
    assert guard.state(MODEL).circuit == "closed"
    assert await call(guard) == ""


async def test_rest_is_doubled_up_to_a_limit_while_the_provider_stays_broken(guard: Guard, clock: Clock) -> None:
    await opened(guard)
    pause = FIRST_PAUSE
    for _ in range(6):
        clock.now += pause
        assert await call(guard, BROKEN) == ""
        pause = min(2 * pause, LONGEST_PAUSE)
        assert guard.circuit.seconds_left == pytest.approx(pause)


async def test_call_that_was_given_up_decides_nothing(guard: Guard, clock: Clock) -> None:
    await opened(guard)
    clock.now += FIRST_PAUSE
    with pytest.raises(asyncio.CancelledError):
        async with guard.call(0.2):
            raise asyncio.CancelledError
    assert guard.state(MODEL).circuit == "half_open"
    assert await call(guard) == ""


@pytest.mark.parametrize("failure", [bad_answer("wrong_form"), Failure("x", reason="PROVIDER_REFUSED")])
async def test_what_customers_can_make_a_model_say_opens_no_circuit(guard: Guard, failure: Failure) -> None:
    for _ in range(2 * FAILURES):
        assert await call(guard, failure) == ""


async def test_answers_that_are_no_completions_open_it(guard: Guard) -> None:
    for _ in range(FAILURES):
        await call(guard, bad_answer("no_completion"))
    assert guard.state(MODEL).circuit == "open"


async def test_provider_that_asks_for_a_rest_gets_it_at_once(guard: Guard, clock: Clock) -> None:
    await call(guard, Failure("x", reason="PROVIDER_RATE_LIMITED", retry_delay=5.0))
    assert await call(guard, Failure("x", reason="PROVIDER_RATE_LIMITED", retry_delay=90.0)) == ""
    clock.now += 89
    assert await call(guard) == "PROVIDER_CIRCUIT_OPEN"
    clock.now += 1
    assert await call(guard) == ""


async def test_refusal_says_when_to_come_back_with_jitter(guard: Guard) -> None:
    await opened(guard)
    delays = {guard.circuit.refusal().retry_delay for _ in range(10)}
    assert len(delays) > 1
    assert all(delay is not None and FIRST_PAUSE <= delay <= 1.3 * FIRST_PAUSE for delay in delays)


async def test_calls_of_a_minute_are_counted(clock: Clock) -> None:
    guard = Guard(at_once=2, calls=2, clock=clock)
    assert [await call(guard) for _ in range(3)] == ["", "", "PROVIDER_MINUTE_BUDGET"]
    clock.now += 59
    assert await call(guard) == "PROVIDER_MINUTE_BUDGET"
    clock.now += 1
    assert await call(guard) == ""


async def test_tokens_of_a_minute_are_counted(clock: Clock) -> None:
    guard = Guard(at_once=2, tokens=100, clock=clock)
    for spent, reason in ((99, ""), (1, ""), (0, "PROVIDER_MINUTE_BUDGET")):
        assert await call(guard) == reason
        guard.budget.count_tokens(spent)
    clock.now += 60
    assert await call(guard) == ""


async def test_no_more_calls_go_at_once_than_allowed(guard: Guard) -> None:
    async with guard.call(0.2), guard.call(0.2):
        assert guard.state(MODEL).in_flight == 2
        assert await call(guard) == "PROVIDER_QUEUE_FULL"
    assert await call(guard) == ""
    assert guard.state(MODEL).in_flight == 0


async def test_state_tells_the_last_failure_until_a_call_works(guard: Guard) -> None:
    assert (guard.state(MODEL).last_failure, guard.state(MODEL).median_ms) == ("", 0.0)
    await call(guard, BROKEN)
    assert guard.state(MODEL).last_failure == "provider_failed"
    await call(guard)
    assert guard.state(MODEL).last_failure == ""
    assert guard.state(MODEL).median_ms > 0
