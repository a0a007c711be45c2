"""A running edge for the session, in front of a running inquiry service."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge
from tests.support.inquiry import Service, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

PASSWORD = "correct horse battery"
Login = Callable[[str], Awaitable[dict[str, str]]]
Newcomer = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture(scope="session")
async def service(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Service]:
    """The inquiry service behind the edge, with its database."""
    async with inquiry_service(await postgres.migrated(), valkey.empty()) as running:
        yield running


@pytest.fixture(scope="session")
async def api(service: Service) -> AsyncIterator[Edge]:
    """A client of the edge."""
    async with edge(f"127.0.0.1:{service.port}") as client:
        yield client


@pytest.fixture(scope="module")
async def stub() -> AsyncIterator[BackendStub]:
    """An inquiry service that does what the tests of one module tell it."""
    running = BackendStub()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(scope="session")
async def headers_of(api: Edge, service: Service) -> Login:
    """The headers of somebody who has registered, been given a role, and logged in; one account per role."""
    known: dict[str, dict[str, str]] = {"anonymous": {}}

    async def log_in(role: str) -> dict[str, str]:
        if role not in known:
            address = f"{role}@example.org"
            body = {"email": address, "password": PASSWORD, "name": role}
            (await api.post("/api/register/", json=body)).raise_for_status()
            await service.sql("update account set role = $1 where email = $2", role, address)
            answer = await api.post("/api/token/", json={"email": address, "password": PASSWORD})
            known[role] = {"Authorization": f"Bearer {answer.raise_for_status().json()['access']}"}
        return known[role]

    return log_in


@pytest.fixture
def newcomer(service: Service) -> Newcomer:
    """Makes the headers of somebody of that role whom no other test knows, so that what they do harms none."""
    return partial(newcomer_of, service)


async def newcomer_of(service: Service, role: str) -> dict[str, str]:
    """The headers of somebody new of that role."""
    if role == "anonymous":
        return {}
    (session,) = await service.sql(
        """with newcomer as (
            insert into account (email, name, password_hash, role)
            values (gen_random_uuid() || '@example.org', $1, '', $1) returning id
        )
        insert into session (account_id, secret_hash, expire_time)
        select id, '', now() + interval '1 day' from newcomer returning id, account_id""",
        role,
    )
    return bearer(str(session["account_id"]), str(session["id"]))
