"""Migrations on many inquiries: killed on their way and run again, they keep no create waiting for long."""

import asyncio
import os
import sys
import time
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command

from benchmarks import load
from inquiry_service.migrations import run
from tests.support.plan import Plan
from tests.support.servers import PostgresServer

FIRST = "0004"
"""The schema from which on an inquiry has its whole life: what is older was never in use with many of them."""

LONGEST_LOCK = 2.0
KILLS = 3
CREATORS = 4
PAUSE_SECONDS = 0.02
LOOK_SECONDS = 0.02

# What a create of any version writes, in its one statement.
CREATE = """
with inquiry as (
    insert into inquiry (customer_name, customer_email, subject, snippet)
    values ('Ana', 'ana@example.com', 'Cobro', 'Dos veces') returning id
), message as (
    insert into message (inquiry_id, number, author, kind, body) select id, 1, 'customer', 'message', 'Dos' from inquiry
), event as (
    insert into event (inquiry_id, version, kind, actor) select id, 1, 'inquiry_created', 'customer' from inquiry
)
insert into triage_job (inquiry_id) select id from inquiry returning inquiry_id
"""
# Locks that keep out who writes rows, on tables that were there before.
HELD = """
select pid, relation::regclass::text as relation, mode from pg_locks
where granted and relation = any($1::oid[]) and pid <> pg_backend_pid()
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
TABLES = "select array_agg(oid) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
STEP = """select (select version_num from alembic_version), (select max(index_relid::bigint)
    from pg_stat_progress_create_index where datname = current_database())"""


@pytest.mark.parametrize(
    "usual", [1_000, pytest.param(50_000, marks=[pytest.mark.faults, pytest.mark.timeout(14_400)])], ids=["few", "many"]
)
async def test_killed_migrations_keep_no_create_waiting(postgres: PostgresServer, plan: Plan, usual: int) -> None:
    url = await postgres.empty()
    await asyncio.to_thread(run.upgrade, url, url)
    await load.main(url.replace("+asyncpg", ""), plan.inquiries(usual))
    await killed_migrations_keep_no_create_waiting(url, plan)
    await postgres.drop(url)


async def killed_migrations_keep_no_create_waiting(url: str, plan: Plan) -> None:
    """`url` is that of a loaded database, as its owner sees it."""
    await asyncio.to_thread(command.downgrade, run.config(url), FIRST)
    over = asyncio.Event()
    locks = asyncio.create_task(longest_lock(url, over))
    creating = [asyncio.create_task(creates(url, over)) for _ in range(CREATORS)]
    await migrate(url, plan)
    over.set()
    created, held = await asyncio.gather(*creating), await locks
    connection = await asyncpg.connect(url, timeout=10)
    there = await connection.fetchval(
        "select count(*) from inquiry where id = any($1)", [*(id_ for seconds in created for id_ in seconds)]
    )
    unusable = await connection.fetch("select indexrelid::regclass from pg_index where not indisvalid")
    await connection.close()
    waited = max(max(seconds.values()) for seconds in created)
    plan.say(f"  {there} creates meanwhile, the longest {waited:.2f} s; locks held longest: {held}")
    assert there == sum(map(len, created)) > 0
    assert unusable == []
    assert max(held.values(), default=0) <= LONGEST_LOCK
    await asyncio.to_thread(command.check, run.config(url))


async def migrate(url: str, plan: Plan) -> None:
    """Run all migrations, killed whenever a step that the plan has drawn is reached."""
    watching = await asyncpg.connect(url, timeout=10)
    kills = 0
    while True:
        migrator = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "inquiry_service", "migrate"), env={**os.environ, "POK_DATABASE_URL": url}
        )
        steps, further = [await watching.fetchrow(STEP)], plan.rng.randint(1, 5)
        while migrator.returncode is None and (kills == KILLS or len(steps) <= further):
            await asyncio.sleep(LOOK_SECONDS / 10)
            if (step := await watching.fetchrow(STEP)) != steps[-1]:
                steps.append(step)
        if migrator.returncode is not None:
            break
        migrator.kill()
        kills += 1
        plan.say(f"  kill -9 at revision {steps[-1]['version_num']}, making index {steps[-1]['max']}")
        await migrator.wait()
    assert (migrator.returncode, (await watching.fetchrow(STEP))["version_num"]) == (0, run.newest())
    assert kills == KILLS
    await watching.close()


async def creates(url: str, over: asyncio.Event) -> dict[UUID, float]:
    """What one customer after the other has written, and how many seconds each took."""
    connection = await asyncpg.connect(url, timeout=10)
    seconds: dict[UUID, float] = {}
    while not over.is_set():
        began = time.monotonic()
        created = await connection.fetchval(CREATE, timeout=60)
        seconds[created] = time.monotonic() - began
        await asyncio.sleep(PAUSE_SECONDS)
    await connection.close()
    return seconds


async def longest_lock(url: str, over: asyncio.Event) -> dict[str, float]:
    """For how many seconds at most each kind of lock on each table kept out who writes rows."""
    connection = await asyncpg.connect(url, timeout=10)
    tables = await connection.fetchval(TABLES)
    since: dict[Any, float] = {}
    longest: dict[str, float] = {}
    while not over.is_set():
        held = [tuple(row) for row in await connection.fetch(HELD, tables)]
        now = time.monotonic()
        since = {lock: since.get(lock, now) for lock in held}
        for (_, relation, mode), began in since.items():
            name = f"{mode} on {relation}"
            longest[name] = max(longest.get(name, 0.0), now - began)
        await asyncio.sleep(LOOK_SECONDS)
    await connection.close()
    return longest
