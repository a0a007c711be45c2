"""The retry policy: what is tried again, when, and what is given up; whose fault a failure is."""

import asyncio
from typing import Any

import msgspec
import pytest
from pok.inquiry.v1 import inquiry_pb2, triage_pb2
from redis.asyncio import Redis

from inquiry_service.domain.retry import MAX_AI_CRASHES, MAX_ATTEMPTS, RULES, next_delay
from runtime import doorbell
from tests.support.inquiry import Service, act_as

PATIENCE = 15


@pytest.mark.parametrize("attempt", range(1, MAX_ATTEMPTS))
def test_backoff_grows_with_jitter_over_all_of_it(attempt: int) -> None:
    low = next_delay("provider", attempt, None, uniform=lambda low, _: low)
    high = next_delay("provider", attempt, None, uniform=lambda _, high: high)
    assert (low, high) == (0.0, 2.0**attempt)


def test_backoff_is_capped() -> None:
    assert next_delay("unreachable", 1000, None, uniform=lambda _, high: high) == RULES["unreachable"].longest


def test_what_the_provider_asks_for_is_waited_and_not_by_all_at_once() -> None:
    asked = [next_delay("deferred", 0, 120.0) or 0.0 for _ in range(100)]
    assert min(asked) >= 120.0
    assert max(asked) - min(asked) > 1
    assert next_delay("provider", 1, 3.0, uniform=lambda low, _: low) == 3.0
    assert next_delay("deferred", 0, 1e9) == RULES["deferred"].most


@pytest.mark.parametrize(("kind", "times"), [("provider", MAX_ATTEMPTS), ("invalid", 1)])
def test_attempts_end(kind: Any, times: int) -> None:
    assert next_delay(kind, times, None) is None


@pytest.mark.parametrize("kind", ["deferred", "unreachable"])
def test_what_is_not_its_fault_never_ends_an_inquiry(kind: Any) -> None:
    assert next_delay(kind, 10_000, None) is not None


async def job(service: Service, inquiry_id: str) -> Any:
    (row,) = await service.sql(
        """select j.*, i.triage_state, i.triage_reason, j.run_after > now() as put_off
        from triage_job j join inquiry i on i.id = j.inquiry_id where i.id = $1""",
        inquiry_id,
    )
    return row


async def release(service: Service, claim: triage_pb2.Claim, *, ai_unreachable: bool = False) -> None:
    await service.triage.ReleaseTriage(triage_pb2.ReleaseTriageRequest(key=claim.key, ai_unreachable=ai_unreachable))


async def test_claim_that_is_given_back_or_lost_keeps_its_place_in_the_queue(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    due = (await job(service, inquiry_id))["run_after"]
    await release(service, await service.must_claim(inquiry_id))
    assert (await job(service, inquiry_id))["run_after"] == due
    await service.must_claim(inquiry_id)
    await service.sql("update triage_job set lease_until = now() - interval '1 second'")
    async with asyncio.timeout(PATIENCE):
        while (row := await job(service, inquiry_id))["state"] != "queued":  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)
    assert (row["run_after"], row["crashes"]) == (due, 1)


async def test_follow_up_of_what_waits_keeps_its_place_in_the_queue(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    due = (await job(service, inquiry_id))["run_after"]
    await service.write(inquiry_id, "reply")
    (tracked,) = await service.sql(
        "update inquiry set submitter_id = uuidv7() where id = $1 returning submitter_id", inquiry_id
    )
    act_as("user", str(tracked["submitter_id"]))
    await service.write(inquiry_id, "follow_up")
    assert (await job(service, inquiry_id))["run_after"] == due


async def unreach(service: Service, inquiry_id: str, *, others_served: bool) -> triage_pb2.Claim:
    """The AI service goes away with it once more; before that it has served others, or not."""
    if others_served:
        await service.sql("delete from throughput")
        await service.sql("update triage_job set ai_crash_time = ai_crash_time - interval '1 hour'")
        await service.sql("insert into throughput values (now() - interval '1 minute', 'done', 1)")
    await service.sql("update triage_job set run_after = now()")
    claim = await service.must_claim(inquiry_id)
    await release(service, claim, ai_unreachable=True)
    return claim


async def test_inquiry_that_ends_the_ai_service_each_time_is_failed(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claims = [await unreach(service, inquiry_id, others_served=True) for _ in range(MAX_AI_CRASHES)]
    inquiry = await service.get(inquiry_id)
    assert (inquiry.triage_state, inquiry.triage_reason) == (inquiry_pb2.TRIAGE_STATE_FAILED, "crashed_ai_service")
    assert [claim.alone for claim in claims] == [False, False, True]
    assert await service.claim(inquiry_id) is None
    *_, last = await service.events(inquiry_id)
    assert (last["kind"], msgspec.json.decode(last["body"])["reason"]) == ("triage_failed", "crashed_ai_service")


async def test_ai_service_that_serves_nobody_fails_nothing_however_often_it_goes_away(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for _ in range(2 * MAX_AI_CRASHES):
        await unreach(service, inquiry_id, others_served=False)
    row = await job(service, inquiry_id)
    assert (row["triage_state"], row["triage_reason"], row["attempt"]) == ("queued", "ai_unreachable", 0)
    assert (row["unreached"], row["ai_crashes"], row["put_off"]) == (2 * MAX_AI_CRASHES, 1, True)


async def test_result_clears_the_suspicion(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await unreach(service, inquiry_id, others_served=False)
    await service.sql("update triage_job set run_after = now()")
    await service.complete(await service.must_claim(inquiry_id))
    row = await job(service, inquiry_id)
    assert (row["unreached"], row["ai_crashes"], row["deferred_since"]) == (0, 0, None)


async def rung_until(redis: Redis, count: int) -> None:
    """Wait until the bell has rung so often."""
    async with asyncio.timeout(PATIENCE):
        while await redis.xlen(doorbell.STREAM) < count:  # noqa: ASYNC110 - nothing tells that it has grown
            await asyncio.sleep(0.02)


async def test_suspects_are_rung_for_one_at_a_time(service: Service, redis_url: str) -> None:
    for _ in range(3):
        await service.create()
    async with Redis.from_url(redis_url) as redis:
        await rung_until(redis, 3)
        await service.sql("update triage_job set ai_crashes = 2, rung_at = null, run_after = now()")
        other = (await service.create()).inquiry.id
        for left in (2, 1, 0):
            (suspect,) = await rung_suspects(service)
            for _ in range(2):  # each time that this one is rung for again, the sweeper has looked at all
                rings = await redis.xlen(doorbell.STREAM)
                await release(service, await service.must_claim(other))
                await rung_until(redis, rings + 1)
                assert await rung_suspects(service) == [suspect]
            await service.complete(await service.must_claim(suspect))
            assert len(await service.sql("select from triage_job where ai_crashes > 1")) == left


async def rung_suspects(service: Service) -> list[str]:
    """Those that are rung for, as soon as there are any."""
    query = "select inquiry_id from triage_job where ai_crashes > 1 and rung_at is not null"
    async with asyncio.timeout(PATIENCE):
        while not (rows := await service.sql(query)):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)
    return [str(row["inquiry_id"]) for row in rows]
