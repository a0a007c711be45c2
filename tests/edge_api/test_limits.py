"""Nobody calls more often than their rate, whichever process answers; and Valkey's troubles stay Valkey's."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pok.account.v1 import account_pb2

from edge_api import counters, rates
from edge_api.access import OPEN, OPERATIONS
from edge_api.counters import Counters
from edge_api.limits import Limiter, OwnCount
from edge_api.rates import DEFAULTS, Rate, RateClass
from runtime.rpc.context import Principal
from runtime.settings import Secret
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.servers import ValkeyServer

LIST = "/api/inquiries/"
ON = {"POK_RATE_LIMITS": "on"}
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture(scope="module")
async def stub() -> AsyncIterator[BackendStub]:
    running = BackendStub()
    running.sessions["s1"] = account_pb2.Account(id="a1", role=account_pb2.ROLE_SUPPORT)
    running.sessions["s2"] = account_pb2.Account(id="a2", role=account_pb2.ROLE_USER)
    await running.start()
    yield running
    await running.stop()


async def statuses(client: Edge, count: int, **headers: str) -> list[int]:
    answers = await asyncio.gather(*(client.get(LIST, headers=headers) for _ in range(count)))
    return sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("written", "burst", "interval", "window"),
    [("30/min burst 60", 60, 2_000_000, 120), ("10/min", 10, 6_000_000, 60), ("5/h", 5, 720_000_000, 3600)],
)
def test_rate_is_read_as_it_is_written(written: str, burst: int, interval: int, window: int) -> None:
    rate = Rate(written)
    assert (rate.burst, rate.interval, rate.window) == (burst, interval, window)


@pytest.mark.parametrize("written", ["", "0/min", "10", "10/day", "10/min burst 0", "-1/s", "10/min burst"])
def test_malformed_rate_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="30/min"):
        Rate(written)


def test_every_operation_has_a_class() -> None:
    without_token = OPEN | {name for name, roles in OPERATIONS.items() if "anonymous" in roles}
    assert rates.WITHOUT_TOKEN.keys() == without_token
    assert {name for name in rates.WITHOUT_TOKEN.values() if name} <= DEFAULTS.keys()
    for operation in OPERATIONS:
        assert rates.class_of(operation, Principal(role="admin")) in {"staff", "registration"}


async def test_limit_is_exact_over_processes(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "PATIENCE", 20.0)  # what a busy machine keeps waiting is counted all the same
    redis_url = Secret(valkey.empty())
    limits: dict[RateClass, Rate] = {"anonymous": Rate("1/h burst 25")}
    first, second = Counters(redis_url), Counters(redis_url)
    async with first.opened(), second.opened():
        limiters = [Limiter(first, limits), Limiter(second, limits)]
        taken = await asyncio.gather(*(limiters[i % 2].take("anonymous", Principal()) for i in range(40)))
    assert [verdict.allowed for verdict in taken if verdict].count(True) == 25


async def test_limited_answers_say_what_is_left(stub: BackendStub, redis_url: str) -> None:
    async with edge(stub.address, **ON, POK_REDIS_URL=redis_url, POK_RATE_ANONYMOUS="2/h") as client:
        first, second, third = [await client.get(LIST) for _ in range(3)]
        probe = await client.get("/api/health/live")
    assert first.headers["RateLimit-Policy"] == '"anonymous";q=2;w=3600'
    assert first.headers["RateLimit"] == '"anonymous";r=1;t=1800'
    assert second.headers["RateLimit"].startswith('"anonymous";r=0;')
    problem(third, 429, "rate-limited")
    assert third.headers["RateLimit"].startswith('"anonymous";r=0;')
    assert 1790 <= int(third.headers["Retry-After"]) <= 1800
    assert "RateLimit" not in probe.headers


async def test_each_account_and_each_address_has_its_own_rate(stub: BackendStub, redis_url: str) -> None:
    variables = {"POK_RATE_ANONYMOUS": "1/h", "POK_RATE_SIGNED_IN": "2/h", "POK_RATE_STAFF": "3/h"}
    trusted = {"POK_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with edge(stub.address, **ON, **variables, **trusted, POK_REDIS_URL=redis_url) as client:
        assert await statuses(client, 2, **{"X-Forwarded-For": "198.51.100.1"}) == [200, 429]
        assert await statuses(client, 2, **{"X-Forwarded-For": "198.51.100.2"}) == [200, 429]
        assert await statuses(client, 3, **bearer("a2", "s2")) == [200, 200, 429]
        assert await statuses(client, 4, **bearer("a1", "s1")) == [200, 200, 200, 429]


async def test_forged_address_buys_nothing(stub: BackendStub, redis_url: str) -> None:
    async with edge(stub.address, **ON, POK_REDIS_URL=redis_url, POK_RATE_ANONYMOUS="1/h") as client:
        answers = [await statuses(client, 1, **{"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(3)]
    assert answers == [[200], [429], [429]]


async def test_token_buys_no_more_accounts(stub: BackendStub, redis_url: str) -> None:
    body = {"email": "ana@example.org", "password": "correct horse", "name": "Ana"}
    async with edge(stub.address, **ON, POK_REDIS_URL=redis_url) as client:
        answers = [await client.post("/api/register/", json=body) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {201}
        problem(await client.post("/api/register/", json=body, headers=bearer("a1", "s1")), 429, "rate-limited")


async def test_without_valkey_each_process_limits_the_public_and_lets_staff_work(stub: BackendStub) -> None:
    variables = {"POK_REDIS_URL": NOWHERE, "POK_RATE_ANONYMOUS": "3/h", "POK_RATE_STAFF": "1/h"}
    async with edge(stub.address, **ON, **variables) as client:
        assert await statuses(client, 6) == [200] * 3 + [429] * 3
        assert await statuses(client, 6, **bearer("a1", "s1")) == [200] * 6


async def test_limits_can_be_switched_off(stub: BackendStub, redis_url: str) -> None:
    variables = {"POK_RATE_LIMITS": "off", "POK_RATE_ANONYMOUS": "1/h", "POK_REDIS_URL": redis_url}
    async with edge(stub.address, **variables) as client:
        assert await statuses(client, 5) == [200] * 5


def test_own_count_opens_again_with_time_and_forgets_the_oldest() -> None:
    now = 0.0
    count = OwnCount(lambda: now)
    rate = Rate("2/min")
    assert [count.take("a", rate).allowed for _ in range(3)] == [True, True, False]
    now = 30.0
    assert [count.take("a", rate).allowed for _ in range(2)] == [True, False]
    for number in range(OwnCount.MAX_KEYS):
        count.take(str(number), rate)
    assert count.take("a", rate).allowed
