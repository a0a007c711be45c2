"""A dump is a whole backup: restored on another server, with an empty Valkey, everything that was pending completes."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from inquiry_service.migrations import run
from runtime import doorbell
from runtime.stack.wheels import postgres_binary
from tests.support.inquiry import Service, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer, postgres_server

COUNTED = ("inquiry", "message", "event", "triage_job", "ai_run", "account", "category", "draft", "idempotency_key")


async def counts(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return {table: await connection.fetchval(f"select count(*) from {table}") for table in COUNTED}
    finally:
        await connection.close()


async def complete_what_rings(service: Service, redis_url: str, wanted: set[str]) -> None:
    """Work as a worker that hears the doorbells would, until all of these are done."""
    left, heard = set(wanted), b"0"
    async with asyncio.timeout(60), Redis.from_url(redis_url) as redis:
        while left:
            read: Any = await redis.xread({doorbell.STREAM: heard}, block=500)
            for _, entries in read:
                for entry, fields in entries:
                    heard = entry
                    [inquiry_id] = json.loads(fields[b"data"])["args"]
                    claim = await service.claim(inquiry_id)
                    if claim is not None and await service.complete(claim):
                        left.remove(inquiry_id)


def postgres_command(name: str, *arguments: str | Path) -> None:
    subprocess.run([postgres_binary(name), *arguments], check=True, timeout=120)


async def test_restored_dump_completes_what_was_pending(
    postgres: PostgresServer, database_url: str, valkey: ValkeyServer, tmp_path: Path
) -> None:
    async with inquiry_service(database_url, valkey.empty(), lease_seconds=1) as service:
        ids = [(await service.create()).inquiry.id for _ in range(6)]
        for inquiry_id in ids[:2]:
            await service.complete(await service.must_claim(inquiry_id))
        await service.must_claim(ids[2])
    owner_url, dump = postgres.as_owner(database_url), tmp_path / "pok.dump"
    await asyncio.to_thread(postgres_command, "pg_dump", "--format=custom", f"--file={dump}", owner_url)
    async with postgres_server(tmp_path) as other:
        target, redis_url = await other.empty(), valkey.empty()
        restore = ("--no-privileges", "--exit-on-error", f"--dbname={other.as_admin(target)}", dump)
        await asyncio.to_thread(postgres_command, "pg_restore", *restore)
        await asyncio.to_thread(run.upgrade, target, other.as_service(target))
        assert await counts(target) == await counts(owner_url)
        async with inquiry_service(other.as_service(target), redis_url, lease_seconds=1) as service:
            await complete_what_rings(service, redis_url, set(ids[2:]))
            rows = await service.sql("select triage_state, count(*) from inquiry group by triage_state")
            assert [tuple(row) for row in rows] == [("done", 6)]
            created = (await service.create()).inquiry
            assert created.id not in ids
