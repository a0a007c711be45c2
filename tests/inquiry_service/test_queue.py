"""Operators see what waits and since when, who works, and what has failed; and admins have it tried again."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import decisions_pb2, inquiry_pb2, queue_pb2, transfer_pb2, triage_pb2

from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
PATIENCE = 20
WAITING, RETRYING = queue_pb2.QUEUE_STATE_WAITING, queue_pb2.QUEUE_STATE_RETRYING
RUNNING, FAILED = queue_pb2.QUEUE_STATE_RUNNING, queue_pb2.QUEUE_STATE_FAILED
LIVE, RETRIAGE, IMPORT = queue_pb2.QUEUE_LANE_LIVE, queue_pb2.QUEUE_LANE_RETRIAGE, queue_pb2.QUEUE_LANE_IMPORT


async def new(service: Service, count: int = 1) -> list[str]:
    return [(await service.create()).inquiry.id for _ in range(count)]


async def fail(service: Service, inquiry_id: str, *, reason: str = "provider_rejected", for_good: bool = True) -> None:
    claim = await service.must_claim(inquiry_id)
    kind = triage_pb2.FAILURE_KIND_INVALID if for_good else triage_pb2.FAILURE_KIND_PROVIDER
    await service.triage.FailTriage(
        triage_pb2.FailTriageRequest(key=claim.key, kind=kind, reason=reason, retry_delay=Duration(seconds=60))
    )


async def beat(service: Service, name: str, *claims: triage_pb2.ClaimKey, pid: int = 7, stopped: bool = False) -> None:
    process = triage_pb2.WorkerProcess(
        host="box", pid=pid, version="1.2.3", concurrency=4, interval=Duration(seconds=10)
    )
    await service.triage.RenewTriages(
        triage_pb2.RenewTriagesRequest(worker=name, claims=claims, process=process, stopped=stopped)
    )


async def overview(service: Service) -> queue_pb2.GetQueueResponse:
    return await service.queue.GetQueue(queue_pb2.GetQueueRequest())


async def seen(service: Service, condition: Callable[[queue_pb2.GetQueueResponse], Any]) -> queue_pb2.GetQueueResponse:
    """The overview as soon as it shows this: it may be a second old, and counts follow the log."""
    async with asyncio.timeout(PATIENCE):
        while not condition(shown := await overview(service)):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    return shown


async def jobs(service: Service, state: Any, **asked: Any) -> queue_pb2.ListQueueJobsResponse:
    paging = {name: asked.pop(name) for name in ("page_size", "page_token") if name in asked}
    return await service.queue.ListQueueJobs(
        queue_pb2.ListQueueJobsRequest(state=state, filter=queue_pb2.JobFilter(**asked), **paging)
    )


async def retry(service: Service, *ids: str, **filter_: Any) -> queue_pb2.RetryJobsResponse:
    act_as("admin", SOMEBODY)
    return await service.queue.RetryJobs(
        queue_pb2.RetryJobsRequest(inquiry_ids=ids, filter=queue_pb2.JobFilter(**filter_))
    )


def depths(shown: queue_pb2.GetQueueResponse) -> dict[int, tuple[int, int, int]]:
    return {one.lane: (one.waiting, one.retrying, one.running) for one in shown.lanes}


async def test_depth_is_told_for_each_state_and_lane(service: Service) -> None:
    _, running, retrying, failed, done, again = await new(service, 6)
    await service.must_claim(running)
    await fail(service, retrying, for_good=False, reason="provider_timeout")
    await fail(service, failed)
    for inquiry_id in (done, again):
        await service.complete(await service.must_claim(inquiry_id))
    await service.decisions.RetriageInquiry(decisions_pb2.RetriageInquiryRequest(inquiry_id=again))
    shown = await overview(service)
    assert depths(shown) == {LIVE: (1, 1, 1), RETRIAGE: (1, 0, 0)}
    assert [(one.reason, one.count) for one in shown.failed] == [("provider_rejected", 1)]
    assert shown.HasField("next_retry_time")
    assert shown.most_attempts == 6


async def test_oldest_is_what_has_been_due_for_longest(service: Service) -> None:
    await new(service)
    (old,) = await new(service)
    await service.sql("update triage_job set run_after = now() - interval '50 seconds' where inquiry_id = $1", old)
    oldest = (await overview(service)).oldest
    assert (oldest.inquiry_id, oldest.lane, oldest.reason) == (old, LIVE, "")
    assert 50 <= oldest.age.seconds < 60
    assert oldest.reference == (await service.get(old)).reference


async def test_what_something_else_puts_off_waits_since_it_was_first_due(service: Service) -> None:
    (put_off,) = await new(service)
    await service.sql("update triage_job set run_after = now() - interval '100 seconds'")
    for _ in range(2):
        claim = await service.must_claim(put_off)
        await service.triage.FailTriage(
            triage_pb2.FailTriageRequest(
                key=claim.key,
                kind=triage_pb2.FAILURE_KIND_DEFERRED,
                reason="provider_rate_limited",
                retry_delay=Duration(seconds=60),
            )
        )
        await service.sql("update triage_job set run_after = now() - interval '1 second'")
    work = await service.queue.CheckWork(queue_pb2.CheckWorkRequest())
    assert (work.oldest.reason, work.oldest.age.seconds // 10) == ("provider_rate_limited", 10)


async def test_work_is_unhealthy_as_soon_as_something_has_been_due_for_two_minutes(service: Service) -> None:
    act_as("anonymous")
    assert (await service.queue.CheckWork(queue_pb2.CheckWorkRequest())).healthy
    (late,) = await new(service)
    for seconds, healthy in ((110, True), (121, False)):
        await service.sql("update triage_job set run_after = now() - make_interval(secs => $1)", seconds)
        async with asyncio.timeout(PATIENCE):
            while (work := await service.queue.CheckWork(queue_pb2.CheckWorkRequest())).oldest.age.seconds < seconds:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (work.healthy, work.oldest.inquiry_id, work.workers) == (healthy, late, 0)


@pytest.mark.parametrize("state", ["running", "failed", "retrying"])
async def test_work_is_healthy_while_what_is_there_is_held_has_failed_or_is_to_be_retried(
    service: Service, state: str
) -> None:
    (inquiry_id,) = await new(service)
    await service.sql("update triage_job set run_after = now() - interval '1 hour'")
    if state == "running":
        await service.must_claim(inquiry_id)
    else:
        await fail(service, inquiry_id, for_good=state == "failed")
    assert (await service.queue.CheckWork(queue_pb2.CheckWorkRequest())).healthy


async def test_worker_that_beats_is_alive_and_shows_what_it_holds(service: Service) -> None:
    (inquiry_id,) = await new(service)
    claim = await service.must_claim(inquiry_id, "w1")
    await beat(service, "w1", claim.key)
    await beat(service, "w2")
    first, second = (await overview(service)).workers
    assert (first.name, first.host, first.pid, first.version, first.concurrency, first.alive) == (
        *("w1", "box", 7, "1.2.3", 4, True),
    )
    assert [work.inquiry_id for work in first.work] == [inquiry_id]
    assert first.work[0].HasField("since")
    assert (second.name, list(second.work)) == ("w2", [])
    assert (await service.queue.CheckWork(queue_pb2.CheckWorkRequest())).workers == 2


async def test_worker_that_misses_three_heartbeats_is_listed_as_lost_for_an_hour(service: Service) -> None:
    for name, ago in (("late", "25 seconds"), ("lost", "32 seconds"), ("forgotten", "61 minutes")):
        await beat(service, name)
        await service.sql(f"update worker set beat_time = now() - interval '{ago}' where name = $1", name)
    assert {one.name: one.alive for one in (await overview(service)).workers} == {"late": True, "lost": False}
    assert (await service.queue.CheckWork(queue_pb2.CheckWorkRequest())).workers == 1


async def test_worker_that_stops_politely_is_gone_at_once_unless_another_has_its_name(service: Service) -> None:
    await beat(service, "w1", pid=7)
    await beat(service, "w1", pid=8)
    await beat(service, "w1", pid=7, stopped=True)
    assert [one.pid for one in (await seen(service, lambda shown: shown.workers)).workers] == [8]
    await beat(service, "w1", pid=8, stopped=True)
    await seen(service, lambda shown: not shown.workers)


async def test_worker_without_a_name_or_host_is_refused(service: Service) -> None:
    with pytest.raises(errors.InvalidArgument):
        await beat(service, "")
    await service.triage.RenewTriages(triage_pb2.RenewTriagesRequest(worker="of an older version"))
    assert await service.sql("select from worker") == []


async def test_rates_follow_from_the_event_log(service: Service) -> None:
    first, second, third, *_ = await new(service, 4)
    await service.complete(await service.must_claim(first))
    await fail(service, second)
    await fail(service, third, for_good=False, reason="provider_timeout")
    await retry(service, second)
    act_as("support")
    shown = await seen(service, lambda shown: shown.rates[0].arrived == 5 and shown.rates[0].retried)
    by_minutes = {one.minutes: (one.arrived, one.done, one.failed, one.retried) for one in shown.rates}
    assert by_minutes[1] == (5, 1, 1, 1)
    assert by_minutes[5] == (1.0, 0.2, 0.2, 0.2)
    assert by_minutes[60][0] == pytest.approx(5 / 60)
    assert sum(minute.arrived for minute in shown.minutes) == 5
    assert sum(minute.done for minute in shown.minutes) == sum(minute.failed for minute in shown.minutes) == 1
    assert len(shown.minutes) == 60


async def test_jobs_are_listed_by_state_with_why_and_until_when(service: Service) -> None:
    waiting, running, retrying, failed = await new(service, 4)
    await service.must_claim(running, "w1")
    await fail(service, retrying, for_good=False, reason="provider_timeout")
    await fail(service, failed)
    listed = {}
    for state in (WAITING, RUNNING, RETRYING, FAILED):
        (listed[state],) = (await jobs(service, state)).jobs
        assert (listed[state].state, listed[state].lane) == (state, LIVE)
    assert [job.inquiry_id for job in listed.values()] == [waiting, running, retrying, failed]
    assert [job.reason for job in listed.values()] == ["", "", "provider_timeout", "provider_rejected"]
    assert [job.attempts for job in listed.values()] == [0, 0, 1, 1]
    assert [job.worker for job in listed.values()] == ["", "w1", "", ""]
    assert [job.claim for job in listed.values()] == [0, 1, 1, 1]
    (row,) = await service.sql("select run_after from triage_job where inquiry_id = $1", retrying)
    assert listed[RETRYING].time.ToDatetime(row["run_after"].tzinfo) == row["run_after"]


@pytest.mark.parametrize("state", [WAITING, RETRYING, RUNNING, FAILED])
async def test_pages_of_jobs_hold_each_once_in_order(service: Service, state: Any) -> None:
    ids = await new(service, 5)
    for inquiry_id in ids:
        if state == RUNNING:
            await service.must_claim(inquiry_id)
        elif state != WAITING:
            await fail(service, inquiry_id, for_good=state == FAILED)
    if state == RETRYING:
        await service.sql("update triage_job set run_after = now() + interval '1 minute'")  # all at the same time
    listed, token = [], ""
    for _ in range(3):
        page = await jobs(service, state, page_size=2, page_token=token)
        listed += [job.inquiry_id for job in page.jobs]
        token = page.next_page_token
    assert listed == (list(reversed(ids)) if state == FAILED else ids)
    assert token == ""


async def test_page_token_of_another_list_is_refused(service: Service) -> None:
    await new(service, 2)
    token = (await jobs(service, WAITING, page_size=1)).next_page_token
    with pytest.raises(errors.InvalidArgument) as refused:
        await jobs(service, WAITING, page_size=1, page_token=token, lanes=[IMPORT])
    assert refused.value.reason == "BAD_PAGE_TOKEN"


async def test_jobs_are_filtered_by_reason_lane_category_and_age(service: Service) -> None:
    plain, reason, lane, category, young = await new(service, 5)
    for inquiry_id in (plain, reason, lane, category, young):
        await fail(service, inquiry_id, reason="rare" if inquiry_id == reason else "usual")
    await service.sql("update triage_job set lane = 2 where inquiry_id = $1", lane)
    await service.sql("update inquiry set category = 'technical_issue' where id = $1", category)
    await service.sql("update inquiry set create_time = now() - interval '1 hour' where id <> $1", young)

    async def found(**filter_: Any) -> set[str]:
        return {job.inquiry_id for job in (await jobs(service, FAILED, **filter_)).jobs}

    assert await found(reasons=["rare"]) == {reason}
    assert await found(reasons=["rare", "usual"]) == {plain, reason, lane, category, young}
    assert await found(lanes=[IMPORT]) == {lane}
    assert await found(categories=["technical_issue"]) == {category}
    assert await found(older_than_seconds=600) == {plain, reason, lane, category}
    assert await found(older_than_seconds=600, reasons=["usual"], lanes=[LIVE]) == {plain, category}


async def test_retry_queues_what_has_failed_and_nothing_else_with_an_event_that_says_who(service: Service) -> None:
    failed, running, waiting, done = await new(service, 4)
    await fail(service, failed)
    await service.must_claim(running)
    await service.complete(await service.must_claim(done))
    before = await service.sql("select version from inquiry where id <> $1 order by id", failed)
    result = await retry(service, failed, running, waiting, done, SOMEBODY)
    assert (result.retried, result.skipped, result.more) == (1, 4, False)
    assert await service.sql("select version from inquiry where id <> $1 order by id", failed) == before
    inquiry = await service.get(failed)
    assert (inquiry.triage_state, inquiry.triage_reason) == (inquiry_pb2.TRIAGE_STATE_QUEUED, "")
    *_, event = await service.events(failed)
    assert (event["kind"], event["actor"], str(event["actor_id"])) == ("triage_requested", "agent", SOMEBODY)
    assert msgspec.json.decode(event["body"])["reason"] == "provider_rejected"
    again = await retry(service, failed)
    assert (again.retried, again.skipped) == (0, 1)
    (claim,) = [await service.must_claim(failed)]
    assert claim.key.claim == 2
    assert await service.complete(claim)


async def test_retry_by_filter_leaves_the_others_failed(service: Service) -> None:
    one, other = await new(service, 2)
    await fail(service, one, reason="rare")
    await fail(service, other, reason="usual")
    assert (await retry(service, reasons=["rare"])).retried == 1
    assert [job.inquiry_id for job in (await jobs(service, FAILED)).jobs] == [other]
    (entry,) = await service.sql("select * from audit where action = 'queue.retry'")
    assert msgspec.json.decode(entry["detail"]) == {"retried": 1, "reasons": ["rare"], "lanes": [0, 1, 2]}


async def test_retry_of_all_goes_in_bounded_calls_that_say_whether_there_are_more(service: Service) -> None:
    act_as("admin", SOMEBODY)
    given: dict[str, Any] = {
        "customer_name": "Ana",
        "customer_email": "ana@example.com",
        "subject": "s",
        "message": "m",
    }
    for start in range(0, 1_100, 500):
        imported = [
            transfer_pb2.ImportRow(row=n, external_id=f"{n}", **given) for n in range(start, min(start + 500, 1_100))
        ]
        await service.transfer.ImportInquiries(transfer_pb2.ImportInquiriesRequest(rows=imported))
    await service.sql("update inquiry set triage_state = 'failed', triage_reason = 'provider_timeout'")
    results = [await retry(service) for _ in range(3)]
    assert [(one.retried, one.more) for one in results] == [(1_000, True), (100, False), (0, False)]
    rows = await service.sql("select lane, count(*) as n from triage_job where state = 'queued' group by lane")
    assert [(row["lane"], row["n"]) for row in rows] == [(2, 1_100)]  # behind what is live


async def test_parallel_retries_queue_each_once(service: Service) -> None:
    ids = await new(service, 10)
    for inquiry_id in ids:
        await fail(service, inquiry_id)
    act_as("admin", SOMEBODY)
    results = await asyncio.gather(*(retry(service) for _ in range(4)))
    assert sum(one.retried for one in results) == 10
    events = await service.sql("select from event where kind = 'triage_requested'")
    assert len(events) == 10


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_the_queue_is_for_staff(service: Service, role: context.Role) -> None:
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await overview(service)
    with pytest.raises(errors.PermissionDenied):
        await jobs(service, FAILED)


async def test_only_admins_retry(service: Service) -> None:
    act_as("support", SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await service.queue.RetryJobs(queue_pb2.RetryJobsRequest())


async def test_wrong_questions_are_refused(service: Service) -> None:
    for wrong in ({"state": queue_pb2.QUEUE_STATE_UNSPECIFIED}, {"state": FAILED, "lanes": [0]}):
        with pytest.raises(errors.InvalidArgument):
            await jobs(service, **wrong)
    act_as("admin", SOMEBODY)
    with pytest.raises(errors.InvalidArgument):
        await service.queue.RetryJobs(queue_pb2.RetryJobsRequest(inquiry_ids=[SOMEBODY] * 501))


async def test_processing_history_is_the_timeline_of_these_kinds(service: Service) -> None:
    (inquiry_id,) = await new(service)
    await fail(service, inquiry_id)
    await retry(service, inquiry_id)
    kinds = ["triage_started", "triage_failed", "triage_requested"]
    listed = await service.inquiries.ListEvents(inquiry_pb2.ListEventsRequest(inquiry_id=inquiry_id, kinds=kinds))
    assert [event.kind for event in listed.events] == kinds
    assert msgspec.json.decode(listed.events[0].body_json)["worker"] == "w1"
    none = await service.inquiries.ListEvents(inquiry_pb2.ListEventsRequest(inquiry_id=inquiry_id, kinds=["x"]))
    assert list(none.events) == []
    with pytest.raises(errors.NotFound):
        await service.inquiries.ListEvents(inquiry_pb2.ListEventsRequest(inquiry_id=SOMEBODY, kinds=["x"]))
