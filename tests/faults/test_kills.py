"""Whatever is killed while inquiries are in flight, every acknowledged one ends final, once."""

import asyncio
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.system import System, running_system

INQUIRIES = 500
AT_ONCE = 25


@pytest.mark.timeout(400)  # 500 analyses, which let everything else on the machine go first
async def test_kills_of_worker_ai_and_valkey_lose_and_repeat_nothing(tmp_path: Path) -> None:
    async with running_system(tmp_path, POK_LEASE_SECONDS="3") as system:
        creating = asyncio.create_task(create_all(system))
        await accepted(system, INQUIRIES // 5)
        system.kill("worker")
        await accepted(system, INQUIRIES * 2 // 5)
        system.kill("ai_service")
        await accepted(system, INQUIRIES * 3 // 5)
        system.kill_valkey()
        acknowledged = await creating
        final = await system.final(acknowledged, seconds=300)
        results = await stored_results(system)
    assert len(set(acknowledged)) == INQUIRIES
    assert {inquiry["triage_state"] for inquiry in final.values()} <= {"done", "needs_review"}
    assert sorted(results) == sorted(acknowledged)


async def create_all(system: System) -> list[str]:
    """The ids that were acknowledged."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def create(number: int) -> str:
        async with gate:
            created = await system.create(
                message=f"¿Dónde está mi pedido A-{10_000 + number}? Ya tendría que estar aquí."
            )
        return str(created["id"])

    return await asyncio.gather(*(create(number) for number in range(INQUIRIES)))


async def accepted(system: System, count: int) -> None:
    """Wait until so many inquiries are there."""
    async with httpx.AsyncClient(base_url=system.address) as client:
        while (await client.get("/api/inquiries/")).json()["total"] < count:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.1)


async def stored_results(system: System) -> list[str]:
    """The inquiry of every result that was applied; one that was applied twice stands here twice."""
    connection = await asyncpg.connect(system.database_url(), timeout=10)
    try:
        rows = await connection.fetch("select inquiry_id from ai_run where outcome <> 'superseded'", timeout=10)
    finally:
        await connection.close()
    return [str(row["inquiry_id"]) for row in rows]
