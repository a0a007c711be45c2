"""The role of the service reads and writes rows; the schema and what was once logged are out of its reach."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from inquiry_service.migrations import roles, run
from tests.support.servers import PostgresServer

EVENT = "insert into event (inquiry_id, version, kind, actor) values (uuidv7(), 1, 'inquiry_created', 'system')"
ENTRY = "insert into audit (action, outcome) values ('session.create', 'ok')"


@pytest.fixture
async def service_role(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, timeout=10)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine ()",
        "create schema mine",
        "alter table inquiry add column mine int",
        "drop table inquiry",
        "create index on inquiry (subject)",
        "truncate inquiry",
        "update alembic_version set version_num = '0'",
        "create role mine",
        "alter table event owner to current_user",
    ],
)
async def test_services_role_cannot_change_the_schema(service_role: Any, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service_role.execute(statement)


@pytest.mark.parametrize(("table", "insert"), [("event", EVENT), ("audit", ENTRY)])
async def test_services_role_cannot_change_what_was_logged(service_role: Any, table: str, insert: str) -> None:
    await service_role.execute(insert)
    for statement in (f"update {table} set create_time = now()", f"delete from {table}", f"truncate {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service_role.execute(statement)
    assert await service_role.fetchval(f"select count(*) from {table}") == 1


async def test_migrating_makes_the_services_role_once(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    new = url.replace("//pok:", "//pok_other:")

    def twice() -> None:
        for _ in range(2):
            run.upgrade(postgres.as_admin(url), new)

    await asyncio.to_thread(twice)
    connection = await asyncpg.connect(new, timeout=10)
    assert await connection.fetchval("select count(*) from category") == 10
    await connection.close()
    await postgres.drop(url)


async def test_migrator_that_may_not_make_the_role_says_what_to_do(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    await asyncio.to_thread(run.upgrade, url, url)
    connection = await asyncpg.connect(url, timeout=10)
    with pytest.raises(roles.RoleError, match=r"no role nobody.* create it first"):
        await roles.grant(connection, url.replace("//pok:", "//nobody:"))
    await connection.close()
    await postgres.drop(url)
