"""Fixtures for all tests: servers are real and run once per session; every test gets databases of its own."""

import os
import random
from collections.abc import AsyncIterator

import pytest

# Before anything imports gRPC: its fork handlers would start threads in the children in which PostgreSQL is about to
# enter a user namespace, which only a process of one thread may do.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from tests.support.servers import PostgresServer, ValkeyServer, postgres_server, scratch_folder, valkey_server


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-faults` passes on; without --seed, chance is different every time, and says what it was."""
    faults = parser.getgroup("faults")
    faults.addoption("--seed", type=int, default=random.randrange(10**6), help="repeats what this seed did")
    faults.addoption("--rounds", type=int, default=None, help="how many rounds of tests that have any")
    faults.addoption("--inquiries", type=int, default=None, help="how many inquiries in each round")
    faults.addoption("--minutes", type=float, default=5.0, help="how long a soak test lasts")


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    """A PostgreSQL for the session: `await postgres.migrated()` is the URL of a fresh database."""
    with scratch_folder() as folder:
        async with postgres_server(folder) as server:
            yield server


@pytest.fixture(scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    """A Valkey for the session: `valkey.empty()` is the URL of an unused database."""
    async with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def database_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """A fresh database with the inquiry service's tables, dropped after the test."""
    url = await postgres.migrated()
    yield url
    await postgres.drop(url)


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """An unused Valkey database."""
    return valkey.empty()
