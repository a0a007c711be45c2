"""Whoever holds a token acts with the role of the moment, and only while the session lives."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pok.account.v1 import account_pb2, account_pb2_grpc

from edge_api.sessions import MAX_AGE, Sessions
from runtime.rpc.client import dial
from runtime.rpc.errors import Unauthenticated, Unavailable
from tests.support.backend_stub import BackendStub
from tests.support.tokens import TOKENS


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Subject:
    """Sessions, the clock they go by, and the account service they ask."""

    def __init__(self, stub: BackendStub, sessions: Sessions, clock: Clock) -> None:
        self.stub = stub
        self.sessions = sessions
        self.clock = clock

    def open(self, role: account_pb2.Role.ValueType) -> None:
        self.stub.sessions["s1"] = account_pb2.Account(id="a1", role=role)

    async def role(self) -> str:
        return (await self.sessions.principal("s1")).role


@pytest.fixture
async def subject() -> AsyncIterator[Subject]:
    stub, clock = BackendStub(), Clock()
    await stub.start()
    async with dial(stub.address, TOKENS["edge"], timeout=5) as channel:
        yield Subject(stub, Sessions(account_pb2_grpc.AccountServiceStub(channel), clock), clock)
    await stub.stop()


async def test_session_is_asked_for_once_in_four_seconds(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_SUPPORT)
    await subject.role()
    subject.clock.now = MAX_AGE - 0.1
    await subject.role()
    assert subject.stub.checks["s1"] == 1


async def test_changed_role_counts_from_the_next_check(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_ADMIN)
    assert await subject.role() == "admin"
    subject.open(account_pb2.ROLE_USER)
    subject.clock.now = MAX_AGE
    assert await subject.role() == "user"


async def test_ended_session_is_refused_and_not_asked_for_again_at_once(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_USER)
    await subject.role()
    del subject.stub.sessions["s1"]
    subject.clock.now = MAX_AGE
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await subject.role()
    assert subject.stub.checks["s1"] == 2


async def test_requests_that_come_together_share_one_check(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_USER)
    subject.stub.hold.clear()
    waiting = [asyncio.create_task(subject.role()) for _ in range(20)]
    await subject.stub.waiting.acquire()
    subject.stub.hold.set()
    assert await asyncio.gather(*waiting) == ["user"] * 20
    assert subject.stub.checks["s1"] == 1


async def test_request_that_goes_away_leaves_the_check_to_the_others(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_USER)
    subject.stub.hold.clear()
    first, second = asyncio.create_task(subject.role()), asyncio.create_task(subject.role())
    await subject.stub.waiting.acquire()
    first.cancel()
    subject.stub.hold.set()
    assert await second == "user"
    assert first.cancelled()


async def test_failed_check_is_not_remembered(subject: Subject) -> None:
    subject.open(account_pb2.ROLE_USER)
    subject.stub.failure = Unavailable("Not now.")
    with pytest.raises(Unavailable):
        await subject.role()
    subject.stub.failure = None
    assert await subject.role() == "user"
