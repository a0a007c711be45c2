"""Claims are leased and fenced, failure becomes state, and what doorbells and workers lose is found again."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import inquiry_pb2, triage_pb2
from redis.asyncio import Redis

from inquiry_service.domain.retry import MAX_ATTEMPTS, MAX_CRASHES
from runtime import doorbell
from runtime.rpc import errors
from tests.support.inquiry import Service, act_as, analysis, inquiry_service

DONE = inquiry_pb2.TRIAGE_STATE_DONE
QUEUED = inquiry_pb2.TRIAGE_STATE_QUEUED
RUNNING = inquiry_pb2.TRIAGE_STATE_RUNNING
FAILED = inquiry_pb2.TRIAGE_STATE_FAILED


async def fail(service: Service, claim: triage_pb2.Claim, kind: int, delay: float | None = None) -> bool:
    """Report a failure; whether it will be tried again."""
    request = triage_pb2.FailTriageRequest(key=claim.key, kind=kind, reason="provider_timeout")  # type: ignore[arg-type]
    if delay is not None:
        request.retry_delay.CopyFrom(Duration(seconds=int(delay)))
    return (await service.triage.FailTriage(request)).HasField("retry_time")


async def make_due(service: Service) -> None:
    await service.sql("update triage_job set run_after = now() - interval '1 second', rung_at = null")


async def test_claim_hands_out_what_the_analysis_needs_and_shows_as_running(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    assert claim.key.claim == 1
    assert not claim.alone
    assert (claim.lease.seconds, claim.analysis_timeout.seconds) == (30, 60)
    assert [turn.text for turn in claim.request.conversation] == ["Me han cobrado dos veces el pedido A-10023."]
    assert (claim.request.customer_name, claim.request.knowledge_version) == ("Ana Ruiz", 1)
    assert (await service.get(inquiry_id)).triage_state == RUNNING


async def test_only_one_of_many_workers_gets_the_claim(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claims = await asyncio.gather(*(service.claim(inquiry_id, f"w{number}") for number in range(10)))
    assert sum(claim is not None for claim in claims) == 1


async def test_result_is_stored_once_with_its_event(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    assert await service.complete(claim)
    with pytest.raises(errors.Aborted) as caught:
        await service.complete(claim, category="technical_issue")
    assert caught.value.reason == "STALE_CLAIM"
    inquiry = await service.get(inquiry_id)
    assert (inquiry.category, inquiry.triage_state, round(inquiry.category_confidence, 2)) == (
        "billing_payment",
        DONE,
        0.9,
    )
    events = await service.events(inquiry_id)
    assert [(event["kind"], event["actor"]) for event in events] == [
        ("inquiry_created", "agent"),
        ("triage_started", "system"),
        ("triage_completed", "ai"),
    ]
    body = msgspec.json.decode(events[-1]["body"])
    assert body["model"] == "embedded/test-1"
    assert body["changes"]["category"] == [None, "billing_payment"]


async def test_claims_of_several_are_those_of_what_is_due(service: Service) -> None:
    due, held, also_due = [(await service.create()).inquiry.id for _ in range(3)]
    await service.must_claim(held)
    request = triage_pb2.ClaimTriagesRequest(inquiry_ids=[held, due, also_due, str(uuid4())], worker="w2")
    claims = (await service.triage.ClaimTriages(request)).claims
    assert {(claim.key.inquiry_id, claim.key.claim) for claim in claims} == {(due, 1), (also_due, 1)}
    assert {claim.request.inquiry_id for claim in claims} == {due, also_due}


async def test_each_of_several_results_is_stored_or_refused_by_itself(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(5)]
    good, stale, unknown, superseded, empty = [await service.must_claim(inquiry_id) for inquiry_id in ids]
    stale.key.claim += 1
    await service.sql("update triage_job set requested_revision = 2 where inquiry_id = $1", superseded.key.inquiry_id)
    results = [
        triage_pb2.CompleteTriageRequest(key=stale.key, analysis=analysis()),
        triage_pb2.CompleteTriageRequest(key=unknown.key, analysis=analysis(category="gone", other="gone_too")),
        triage_pb2.CompleteTriageRequest(key=superseded.key, analysis=analysis()),
        triage_pb2.CompleteTriageRequest(key=empty.key),
        triage_pb2.CompleteTriageRequest(key=good.key, analysis=analysis()),
    ]
    response = await service.triage.CompleteTriages(triage_pb2.CompleteTriagesRequest(results=results))
    assert [(one.applied, one.refusal) for one in response.completions] == [
        (False, "STALE_CLAIM"),
        (False, "INVALID_ARGUMENT"),
        (False, ""),
        (False, "INVALID_ARGUMENT"),
        (True, ""),
    ]
    states = [(await service.get(inquiry_id)).triage_state for inquiry_id in ids]
    assert states == [DONE, RUNNING, RUNNING, QUEUED, RUNNING]


@pytest.mark.parametrize("number", [0, 101])
async def test_call_for_several_has_one_to_a_hundred_of_them(service: Service, number: int) -> None:
    with pytest.raises(errors.InvalidArgument):
        await service.triage.ClaimTriages(
            triage_pb2.ClaimTriagesRequest(inquiry_ids=[str(uuid4())] * number, worker="w")
        )
    with pytest.raises(errors.InvalidArgument):
        await service.triage.CompleteTriages(
            triage_pb2.CompleteTriagesRequest(results=[triage_pb2.CompleteTriageRequest()] * number)
        )


async def test_late_worker_changes_nothing_after_its_lease_was_lost(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    late = await service.must_claim(inquiry_id)
    await service.sql("update triage_job set lease_until = now() - interval '1 second'")
    current = await claimed_again(service, inquiry_id)
    assert current.key.claim == 2
    assert current.alone
    for call in (
        service.complete(late, category="technical_issue"),
        fail(service, late, triage_pb2.FAILURE_KIND_PROVIDER),
        service.triage.ReleaseTriage(triage_pb2.ReleaseTriageRequest(key=late.key)),
    ):
        with pytest.raises(errors.Aborted):
            await call
    renewed = await service.triage.RenewTriages(
        triage_pb2.RenewTriagesRequest(worker="w1", claims=[late.key, current.key])
    )
    assert [claim.claim for claim in renewed.lost] == [1]
    assert await service.complete(current)
    assert (await service.get(inquiry_id)).category == "billing_payment"


async def claimed_again(service: Service, inquiry_id: str) -> triage_pb2.Claim:
    """The next claim, as soon as the sweeper has made it possible."""
    async with asyncio.timeout(10):
        while True:
            claim = await service.claim(inquiry_id)
            if claim is not None:
                return claim
            await asyncio.sleep(0.05)


async def test_inquiry_that_kills_every_worker_is_failed(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for _ in range(MAX_CRASHES):
        await claimed_again(service, inquiry_id)
        await service.sql("update triage_job set lease_until = now() - interval '1 second'")
    async with asyncio.timeout(10):
        while (inquiry := await service.get(inquiry_id)).triage_state != FAILED:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    assert inquiry.triage_reason == "crashed_worker"
    assert await service.claim(inquiry_id) is None


async def test_renewed_claim_outlives_its_first_lease(database_url: str, redis_url: str) -> None:
    act_as("support")
    async with inquiry_service(database_url, redis_url, lease_seconds=600) as service:
        inquiry_id = (await service.create()).inquiry.id
        claim = await service.must_claim(inquiry_id)
        before = await service.sql("select lease_until from triage_job")
        await service.sql("update triage_job set lease_until = now() + interval '1 second'")
        await service.triage.RenewTriages(triage_pb2.RenewTriagesRequest(worker="w1", claims=[claim.key]))
        assert await service.sql("select lease_until from triage_job") >= before


async def test_provider_failures_are_retried_with_growing_delay_and_then_failed(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for _ in range(MAX_ATTEMPTS - 1):
        assert await fail(service, await claimed_again(service, inquiry_id), triage_pb2.FAILURE_KIND_PROVIDER)
        waiting = await service.get(inquiry_id)
        assert (waiting.triage_state, waiting.triage_reason) == (QUEUED, "provider_timeout")
        await service.sql("update triage_job set run_after = now() + interval '1 minute'")
        assert await service.claim(inquiry_id) is None  # not before its time
        await make_due(service)
    assert not await fail(service, await claimed_again(service, inquiry_id), triage_pb2.FAILURE_KIND_PROVIDER)
    assert (await service.get(inquiry_id)).triage_state == FAILED
    [job] = await service.sql("select claim from triage_job")
    assert job["claim"] == MAX_ATTEMPTS


async def test_deferral_counts_no_attempt_and_waits_as_long_as_asked(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    assert await fail(service, await service.must_claim(inquiry_id), triage_pb2.FAILURE_KIND_DEFERRED, delay=120)
    [job] = await service.sql("select attempt, extract(epoch from run_after - now())::float8 as wait from triage_job")
    assert job["attempt"] == 0
    assert 110 < job["wait"] <= 130  # not all of them at once


async def test_request_that_can_never_succeed_is_failed_at_once(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    assert not await fail(service, await service.must_claim(inquiry_id), triage_pb2.FAILURE_KIND_INVALID)
    assert (await service.get(inquiry_id)).triage_state == FAILED


async def test_released_claim_is_free_at_once_and_counts_nothing(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    first = await service.must_claim(inquiry_id)
    await service.triage.ReleaseTriage(triage_pb2.ReleaseTriageRequest(key=first.key))
    again = await service.must_claim(inquiry_id)
    assert (again.key.claim, again.alone) == (2, False)
    assert [row["attempt"] for row in await service.sql("select attempt from triage_job")] == [0]


async def test_result_for_an_older_revision_is_kept_but_changes_nothing(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    await service.sql("update triage_job set requested_revision = 2")
    assert not await service.complete(claim)
    inquiry = await service.get(inquiry_id)
    assert (inquiry.triage_state, inquiry.category, inquiry.suggested_reply) == (QUEUED, "", "")
    assert [row["outcome"] for row in await service.sql("select outcome from ai_run")] == ["superseded"]
    assert (await service.must_claim(inquiry_id)).key.claim == 2


async def test_lost_doorbells_are_rung_again(service: Service, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        inquiry_id = (await service.create()).inquiry.id
        await redis.xread({doorbell.STREAM: "0"}, block=5000)
        await redis.flushall()
        await make_due(service)
        answer: Any = await redis.xread({doorbell.STREAM: "0"}, block=5000)
    [[_, entries]] = answer
    assert inquiry_id.encode() in entries[0][1][b"data"]


async def test_unknown_inquiry_has_nothing_to_claim(service: Service) -> None:
    assert await service.claim("0198a0e0-0000-7000-8000-000000000001") is None


async def test_canary_in_every_written_text_is_absent_from_the_event_log(service: Service) -> None:
    canary = "kanarienvogel"
    created = await service.create(
        customer_name=canary,
        customer_email=f"{canary}@example.com",
        subject=canary,
        message=canary,
        external_id=canary,
        request_id=canary * 2,
    )
    await service.complete(await service.must_claim(created.inquiry.id), draft=canary)
    await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=created.inquiry.id, add_tags=[canary]))
    events = await service.sql("select event::text as line from event")
    assert len(events) == 4
    assert all(canary not in event["line"] for event in events)
