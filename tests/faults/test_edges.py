"""Customers who send the same again and again, and customers who go away, while the edge is killed."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.faults.conftest import at
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
from tests.support.openai_stub import OpenAIStub, Reply
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome

AT_ONCE = 50
PATIENCE = 60.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


async def test_one_key_makes_one_inquiry_although_the_edge_is_killed(plan: Plan) -> None:
    async with cluster() as system:
        await system.start()
        for number in range(plan.rounds(3)):
            key = str(UUID(int=plan.rng.getrandbits(128), version=4))
            moment = plan.rng.uniform(0.0, 0.3)
            plan.say(f"  key {key}: kill -9 edge after {moment:.2f} s")
            sending = [asyncio.create_task(insist(system, key, number)) for _ in range(AT_ONCE)]
            await asyncio.sleep(moment)
            await system["edge"].restart()
            answers = await asyncio.gather(*sending)
            assert [answer["id"] for answer in answers] == [answers[0]["id"]] * AT_ONCE
            assert [answer["tracking_token"] for answer in answers] == [answers[0]["tracking_token"]] * AT_ONCE
            other = await send(system, key, number, message="Otra cosa.")
            assert other.status_code == 409
        [row] = await system.sql("select count(*) as n from inquiry")
        assert row["n"] == plan.rounds(3)


async def insist(system: Cluster, key: str, number: int) -> dict[str, Any]:
    """What a customer gets who tries until there is an answer."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                answer = await send(system, key, number)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 201:
                created: dict[str, Any] = answer.json()
                return created
            await asyncio.sleep(0.1)


async def send(system: Cluster, key: str, number: int, message: str = "Me han cobrado dos veces.") -> httpx.Response:
    body = {
        "customer_name": "Ana Ruiz",
        "customer_email": "ana@example.com",
        "subject": f"Cobro doble {number}",
        "message": message,
    }
    async with httpx.AsyncClient(base_url=system.http.base_url, timeout=20) as client:  # a connection of its own
        return await client.post("/api/inquiries/create/", json=body, headers={"Idempotency-Key": key})


async def test_customer_who_goes_away_ends_the_work_downstream(plan: Plan, provider: OpenAIStub) -> None:
    async with cluster(**at(provider)) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        await load.create(1)
        assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG
        provider.behave = lambda _: Reply(hang=True)
        asked = len(provider.requests)
        with pytest.raises(httpx.ReadTimeout):
            await system.http.post(
                f"/api/inquiries/{next(iter(load.acknowledged))}/dry-run/", json={"provider": "openai"}, timeout=5
            )
        assert len(provider.requests) == asked + 1
        async with asyncio.timeout(5):  # much less than the 30 s that a dry run may take
            while provider.hanging:  # noqa: ASYNC110 - the stub counts by itself
                await asyncio.sleep(0.05)
