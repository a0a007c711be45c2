"""The AI service or its provider does not work: inquiries wait or are done without it, and none is lost."""

import asyncio
import json
from collections.abc import Iterable, Mapping

import pytest

from tests.faults.conftest import at
from tests.support.cluster import Cluster, cluster
from tests.support.load import Load
from tests.support.openai_stub import ANSWER, Behaviour, OpenAIStub, Reply, after, answering, completion, failing
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome, settled, states

PATIENCE = 90.0
FALLBACKS = ("embedded", "wait")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

FAULTS: Mapping[str, Behaviour] = {
    "slow": after(8.0),
    "hang": lambda _: Reply(hang=True),
    "hangs up": lambda _: Reply(drop=True),
    "rate limit": failing(429, retry_after="2"),
    "long rate limit": failing(429, retry_after="30"),
    "error": failing(500),
    "broken off": lambda request: Reply(body=answering()(request).body, cut=True),
    "truncated": lambda _: completion(json.dumps(ANSWER)[:80], finish_reason="length"),
    "foreign label": answering(categories=[{"category": "free_money", "confidence": 1.0}]),
    "10 MB": answering(draft="x" * 10 * 2**20),
}
JUST_LATE = frozenset({"slow"})
"""What is an answer in the end."""
ANALYSIS_SECONDS = "15"


@pytest.mark.parametrize("fallback", FALLBACKS)
async def test_inquiries_wait_for_an_absent_ai_service_at_no_cost(plan: Plan, fallback: str) -> None:
    async with cluster(POK_AI_FALLBACK=fallback) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        inquiries = plan.inquiries(200)
        creating = asyncio.create_task(load.create(inquiries))
        await load.reached(inquiries // 4)
        await system["ai"].restart(down=plan.rng.uniform(15.0, 30.0))
        await creating
        assert await outcome(system, load.acknowledged, PATIENCE + 60) == NOTHING_WRONG  # put off by up to 60 s
        burnt = await system.sql("select 1 from event where (body ->> 'attempt')::int > 0")
        assert burnt == []
        assert load.statuses == {201: inquiries}


@pytest.mark.parametrize("fallback", FALLBACKS)
async def test_every_fault_of_a_provider_ends_as_documented(plan: Plan, provider: OpenAIStub, fallback: str) -> None:
    options = {**at(provider), "POK_AI_FALLBACK": fallback, "POK_ANALYSIS_TIMEOUT_SECONDS": ANALYSIS_SECONDS}
    async with cluster(**options) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        for name, behave in FAULTS.items():
            plan.say(f"  provider: {name}")
            provider.reset()
            provider.behave = behave
            known = set(load.acknowledged)
            await load.create(6)
            new = load.acknowledged.keys() - known
            if fallback == "embedded":
                await settled(system, new, PATIENCE)
                assert await fallbacks(system, new) == {name not in JUST_LATE}, name
            elif name not in JUST_LATE:
                await put_off(system, new)
                assert (await states(system)).keys() <= {"done", "needs_review", "queued", "running"}, name
            provider.behave = answering()
            await system["ai"].restart()  # its circuit is closed again
            await due_now(system)
            assert await outcome(system, load.acknowledged, PATIENCE) == NOTHING_WRONG, name


@pytest.mark.parametrize("fallback", FALLBACKS)
async def test_open_circuit_burns_no_attempt_and_closes_by_itself(
    plan: Plan, provider: OpenAIStub, fallback: str
) -> None:
    async with cluster(**at(provider), POK_AI_FALLBACK=fallback) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        provider.behave = failing(500)
        await load.create(60)
        if fallback == "wait":
            await put_off(system, load.acknowledged.keys())
        else:
            await settled(system, load.acknowledged, PATIENCE)
        assert len(provider.requests) <= 30  # what was in flight when it opened, and tries
        provider.behave = answering()
        assert await outcome(system, load.acknowledged, 2 * PATIENCE) == NOTHING_WRONG
        [most] = await system.sql("select coalesce(max((body ->> 'attempt')::int), 0) as attempts from event")
        assert most["attempts"] <= 2


async def fallbacks(system: Cluster, ids: set[str]) -> set[bool]:
    """Whether the embedded model took over, for each of these."""
    rows = await system.sql(
        "select record ->> 'fallback' as fallback from ai_run where inquiry_id = any($1::text[]::uuid[])", list(ids)
    )
    return {bool(row["fallback"]) for row in rows}


async def put_off(system: Cluster, ids: Iterable[str]) -> None:
    """Wait until each of these was asked for in vain."""
    wanted = list(ids)
    async with asyncio.timeout(PATIENCE):
        while await system.sql(  # noqa: ASYNC110 - another process's state
            """select 1 from unnest($1::text[]) as id where not exists (select from event
                where inquiry_id = id::uuid and kind in ('triage_retrying', 'triage_failed'))""",
            wanted,
        ):
            await asyncio.sleep(0.1)


async def due_now(system: Cluster) -> None:
    """Nobody waits for the next attempt: the delays have tests of their own."""
    await system.sql("update triage_job set run_after = now(), rung_at = null where state = 'queued'")
