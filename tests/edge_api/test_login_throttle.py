"""Guessing a password gets slower with every failure; whoever knows it, from where it is known, gets in."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from edge_api.counters import Counters
from edge_api.login_throttle import FREE_ACCOUNT_FAILURES, FREE_ADDRESS_FAILURES, LONGEST_DELAY, LoginThrottle
from runtime.rpc.errors import ResourceExhausted, Unauthenticated, Unavailable
from runtime.settings import Secret
from tests.edge_api.conftest import PASSWORD
from tests.support.edge import edge, problem
from tests.support.inquiry import Service

OWNER, HOME, CAFE, ATTACKER = "ana@example.org", "198.51.100.1", "198.51.100.2", "203.0.113.9"


class Subject:
    """A throttle, with a clock that can be put forward."""

    def __init__(self, throttle: LoginThrottle, redis: Redis) -> None:
        self._throttle = throttle
        self._redis = redis

    async def fail(self, email: str = OWNER, address: str = ATTACKER) -> None:
        with pytest.raises(Unauthenticated):
            async with self._throttle.attempt(email, address):
                raise Unauthenticated("Wrong.", reason="BAD_CREDENTIALS")

    async def fail_often(self, count: int, email: str = OWNER, address: str = ATTACKER) -> None:
        """Fail as often as this, waiting as long as it takes but forgiving nothing."""
        for _ in range(count):
            await self._reopen()
            await self.fail(email, address)

    async def succeed(self, email: str = OWNER, address: str = HOME) -> None:
        async with self._throttle.attempt(email, address):
            pass

    async def delay(self, email: str = OWNER, address: str = ATTACKER) -> float:
        """Seconds that an attempt would have to wait."""
        try:
            async with self._throttle.attempt(email, address):
                raise Unavailable("It was only a question.")
        except Unavailable:
            return 0.0
        except ResourceExhausted as refused:
            return refused.retry_delay or 0.0

    async def pass_time(self, seconds: int) -> None:
        async for key in self._redis.scan_iter("login:failures:*"):
            await self._redis.hincrby(key, "at", -seconds * 1000)
            await self._redis.hincrby(key, "closed", -seconds * 1000)

    async def _reopen(self) -> None:
        async for key in self._redis.scan_iter("login:failures:*"):
            await self._redis.hset(key, "closed", 0)


@pytest.fixture
async def subject(redis_url: str) -> AsyncIterator[Subject]:
    counters = Counters(Secret(redis_url))
    async with counters.opened(), Redis.from_url(redis_url) as redis:
        yield Subject(LoginThrottle(counters), redis)


async def test_first_failures_cost_no_time(subject: Subject) -> None:
    for _ in range(FREE_ACCOUNT_FAILURES):
        await subject.fail()
    assert await subject.delay() == 0


async def test_delay_doubles_up_to_its_limit(subject: Subject) -> None:
    delays = []
    for number in range(13):
        await subject.fail_often(5 if number == 0 else 1, address=f"203.0.113.{number}")
        delays.append(await subject.delay(address="192.0.2.1"))
    assert delays == pytest.approx([min(2.0**number, LONGEST_DELAY) for number in range(13)], abs=0.9)


async def test_attempt_during_the_delay_is_not_looked_at_and_does_not_prolong_it(subject: Subject) -> None:
    await subject.fail_often(9)
    before = await subject.delay()
    for _ in range(5):
        assert 0 < await subject.delay() <= before


async def test_attempts_at_the_same_time_do_not_all_count_as_the_first(subject: Subject) -> None:
    outcomes = await asyncio.gather(*(subject.fail() for _ in range(30)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ResourceExhausted)]
    assert len(refused) == 30 - FREE_ACCOUNT_FAILURES - 1


async def test_quiet_quarters_of_an_hour_forgive(subject: Subject) -> None:
    await subject.fail_often(FREE_ACCOUNT_FAILURES + 2)
    await subject.pass_time(2 * 15 * 60)
    await subject.fail()
    assert 0 < await subject.delay() <= 1
    await subject.pass_time(24 * 3600)
    await subject.fail_often(FREE_ACCOUNT_FAILURES)
    assert await subject.delay() == 0


async def test_attacker_cannot_keep_the_owner_out_of_where_they_logged_in_before(subject: Subject) -> None:
    await subject.succeed(address=HOME)
    await subject.fail_often(30, address=ATTACKER)
    assert await subject.delay(address=CAFE) > 60
    await subject.succeed(address=HOME)


async def test_known_address_has_a_limit_of_its_own_until_a_success(subject: Subject) -> None:
    await subject.succeed(address=HOME)
    await subject.fail_often(FREE_ACCOUNT_FAILURES + 1, address=HOME)
    assert await subject.delay(address=HOME) > 0
    assert await subject.delay(address=CAFE) == 0
    await subject.pass_time(10)
    await subject.succeed(address=HOME)
    await subject.fail_often(FREE_ACCOUNT_FAILURES, address=HOME)
    assert await subject.delay(address=HOME) == 0


async def test_address_that_tries_many_accounts_has_to_wait(subject: Subject) -> None:
    for number in range(FREE_ADDRESS_FAILURES + 1):
        await subject.fail(f"{number}@example.org")
    assert await subject.delay("another@example.org") > 0
    assert await subject.delay("another@example.org", HOME) == 0


async def test_success_with_an_own_account_does_not_wash_an_address_clean(subject: Subject) -> None:
    for number in range(FREE_ADDRESS_FAILURES):
        await subject.fail(f"{number}@example.org")
    await subject.succeed("attacker@example.org", ATTACKER)
    await subject.fail("victim@example.org")
    assert await subject.delay("another@example.org") > 0


async def test_spelling_of_the_address_makes_no_difference(subject: Subject) -> None:
    await subject.fail_often(FREE_ACCOUNT_FAILURES + 1, " ANA@example.ORG ")
    assert await subject.delay(OWNER, CAFE) > 0


async def test_attempt_that_nobody_could_check_is_not_a_failure(subject: Subject) -> None:
    for _ in range(20):
        assert await subject.delay() == 0


async def test_no_address_of_an_account_is_kept(redis_url: str, subject: Subject) -> None:
    await subject.succeed()
    await subject.fail()
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter("*")]
        assert keys
        assert not [key for key in keys if b"ana" in key]
        assert all([await redis.ttl(key) > 0 for key in keys])


async def test_throttled_login_is_answered_with_the_time_to_wait(service: Service, redis_url: str) -> None:
    body = {"email": "guessed@example.org", "password": "wrong password"}
    variables = {"POK_RATE_LIMITS": "on", "POK_REDIS_URL": redis_url, "POK_RATE_LOGIN": "100/s"}
    async with edge(f"127.0.0.1:{service.port}", **variables) as client:
        for number in range(5):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            problem(await client.post("/api/token/", json=body, headers=headers), 401, "bad-credentials")
        answer = await client.post("/api/token/", json={**body, "password": PASSWORD})
    problem(answer, 429, "rate-limited")
    assert answer.headers["Retry-After"] == "1"
