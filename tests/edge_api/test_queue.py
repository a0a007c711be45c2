"""The queue over HTTP, and health that goes by the age of what waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import triage_pb2

from tests.edge_api.conftest import newcomer_of
from tests.support.edge import Edge, edge, problem
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import PostgresServer

PATIENCE = 20
CALM = {"status": "ok", "oldest_pending_seconds": 0, "workers": 0}
QUEUE, JOBS, RETRY = "/api/queue/", "/api/queue/jobs/", "/api/queue/retry/"


@pytest.fixture(scope="module")
async def service(postgres: PostgresServer) -> AsyncIterator[Service]:
    """One that has its database and nothing else: no Valkey, no AI service, no worker."""
    url = await postgres.migrated()
    async with inquiry_service(url, "redis://127.0.0.1:1", ai_address="127.0.0.1:1") as running:
        yield running


@pytest.fixture(scope="module")
async def api(service: Service) -> AsyncIterator[Edge]:
    async with edge(f"127.0.0.1:{service.port}") as client:
        yield client


@pytest.fixture(autouse=True)
async def nothing_waits(service: Service) -> None:
    """Every test begins with an empty queue, and calls the service as support."""
    act_as("support")
    await service.sql("update triage_job set state = 'idle', deferred_since = null")
    await service.sql("update inquiry set triage_state = 'done', triage_reason = null")
    await service.sql("delete from worker")


async def seen(api: Edge, headers: dict[str, str], condition: Callable[[Any], Any]) -> Any:
    """The queue as soon as it shows this: it may be a second old."""
    async with asyncio.timeout(PATIENCE):
        while not condition(queue := (await api.get(QUEUE, headers=headers)).raise_for_status().json()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return queue


async def failed(service: Service, reason: str = "provider_rejected") -> str:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    await service.triage.FailTriage(
        triage_pb2.FailTriageRequest(key=claim.key, kind=triage_pb2.FAILURE_KIND_INVALID, reason=reason)
    )
    return inquiry_id


async def shown(api: Edge, headers: dict[str, str], **params: Any) -> Any:
    return (await api.get(JOBS, params=params, headers=headers)).raise_for_status().json()


async def test_queue_tells_depth_age_failures_and_workers(api: Edge, service: Service) -> None:
    waiting = await service.create()
    await service.sql("update triage_job set run_after = now() - interval '20 seconds'")
    held = await service.must_claim((await service.create()).inquiry.id, "w1")
    await failed(service)
    process = triage_pb2.WorkerProcess(host="h", pid=7, version="9.9", concurrency=3, interval=Duration(seconds=10))
    await service.triage.RenewTriages(triage_pb2.RenewTriagesRequest(worker="w1", claims=[held.key], process=process))
    queue = await seen(api, await newcomer_of(service, "support"), lambda queue: queue["workers"])
    assert (queue["waiting"], queue["retrying"], queue["running"], queue["failed"]) == (1, 0, 1, 1)
    assert queue["lanes"] == [{"lane": "live", "waiting": 1, "retrying": 0, "running": 1}]
    oldest = queue["oldest"]
    assert (oldest["inquiry_id"], oldest["lane"], oldest["reason"]) == (waiting.inquiry.id, "live", None)
    assert 20 <= oldest["age_seconds"] < 20 + PATIENCE
    assert queue["failed_reasons"] == [{"reason": "provider_rejected", "count": 1}]
    assert [rate["minutes"] for rate in queue["rates"]] == [1, 5, 60]
    assert len(queue["minutes"]) == 60
    (worker,) = queue["workers"]
    assert (worker["name"], worker["host"], worker["pid"], worker["version"], worker["concurrency"]) == (
        *("w1", "h", 7, "9.9", 3),
    )
    assert worker["alive"]
    assert [work["inquiry_id"] for work in worker["work"]] == [held.key.inquiry_id]


async def test_empty_queue_is_shown_as_such(api: Edge, service: Service) -> None:
    queue = await seen(api, await newcomer_of(service, "support"), lambda queue: not queue["workers"])
    assert (queue["waiting"], queue["oldest"], queue["next_retry_time"], queue["workers"]) == (0, None, None, [])


async def test_failed_jobs_are_listed_retried_and_tell_their_history(api: Edge, service: Service) -> None:
    admin, support = await newcomer_of(service, "admin"), await newcomer_of(service, "support")
    ids = [await failed(service), await failed(service), await failed(service, "rare")]
    first = await shown(api, support, state="failed", page_size=2)
    rest = await shown(api, support, state="failed", page_size=2, page_token=first["next_page_token"])
    assert [job["inquiry_id"] for job in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next_page_token"] is None
    (rare,) = (await shown(api, support, state="failed", reason="rare", lane="live"))["items"]
    assert (rare["state"], rare["reason"], rare["attempts"], rare["worker"]) == ("failed", "rare", 1, None)

    async def retried(**body: Any) -> tuple[int, int, bool]:
        answer = (await api.post(RETRY, json=body, headers=admin)).raise_for_status().json()
        return answer["retried"], answer["skipped"], answer["more"]

    assert await retried(inquiry_ids=[ids[0]]) == (1, 0, False)
    assert await retried(inquiry_ids=[ids[0]]) == (0, 1, False)
    assert await retried(filter={"reason": ["rare"]}) == (1, 0, False)
    assert await retried(filter={}) == (1, 0, False)
    assert (await shown(api, support, state="failed"))["items"] == []
    kinds = {"kind": ["triage_failed", "triage_requested"]}
    history = (await api.get(f"/api/inquiries/{ids[0]}/events/", params=kinds, headers=support)).json()["items"]
    assert [(event["kind"], event["detail"]["reason"]) for event in history] == [
        ("triage_failed", "provider_rejected"),
        ("triage_requested", "provider_rejected"),
    ]
    me = (await api.get("/api/me/", headers=admin)).json()["id"]
    asked = {"action": "queue.retry", "actor_id": me}
    log = (await api.get("/api/audit/", params=asked, headers=admin)).json()["items"]
    assert len(log) == 3


@pytest.mark.parametrize(
    "body", [{}, {"inquiry_ids": []}, {"inquiry_ids": ["x"]}, {"filter": {"state": "failed"}}, {"filter": None}]
)
async def test_what_to_retry_must_be_said(api: Edge, service: Service, body: dict[str, Any]) -> None:
    inquiry_id = await failed(service)
    admin = await newcomer_of(service, "admin")
    problem(await api.post(RETRY, json=body, headers=admin), 400, "invalid-request")
    both = {"inquiry_ids": [inquiry_id], "filter": {}}
    problem(await api.post(RETRY, json=both, headers=admin), 400, "invalid-request")


async def test_support_reads_and_does_not_act(api: Edge, service: Service) -> None:
    support = await newcomer_of(service, "support")
    problem(await api.post(RETRY, json={"filter": {}}, headers=support), 403, "forbidden")


async def test_state_of_listed_jobs_must_be_known(api: Edge, service: Service) -> None:
    support = await newcomer_of(service, "support")
    wrong: list[dict[str, Any]] = [
        {"state": "done"},
        {"state": "failed", "lane": "fast"},
        {"state": "failed", "older_than": -1},
    ]
    for params in wrong:
        problem(await api.get(JOBS, params=params, headers=support), 400, "invalid-request")


async def test_work_that_waits_too_long_is_named_while_requests_are_still_accepted(api: Edge, service: Service) -> None:
    async with asyncio.timeout(PATIENCE):
        while (work := (await api.get("/api/health/work")).raise_for_status().json()) != CALM:
            assert work["status"] == "ok"
            await asyncio.sleep(0.05)
    late = (await service.create()).inquiry
    await service.sql("update triage_job set run_after = now() - interval '121 seconds'")
    async with asyncio.timeout(PATIENCE):
        while (answer := await api.get("/api/health/work")).is_success:  # noqa: ASYNC110 - it may be a second old
            await asyncio.sleep(0.05)
    body = problem(answer, 503, "work-waits")
    assert answer.headers["Retry-After"] == "30"
    reference, since = body["detail"].split(" has waited since ")
    assert reference == late.reference
    named = datetime.fromisoformat(since.split(",")[0])
    assert timedelta(seconds=120) < datetime.now(UTC) - named < timedelta(seconds=120 + PATIENCE)
    assert "0 workers are alive" in body["detail"]
    assert (await api.get("/api/health/ready")).status_code == 200
    created = await api.post(
        "/api/inquiries/create/",
        json={"customer_name": "Ana", "customer_email": "ana@example.com", "subject": "s", "message": "m"},
    )
    assert created.status_code == 201


async def test_readiness_does_not_ask_for_provider_worker_or_valkey(api: Edge, service: Service) -> None:
    # None of them is there; an analysis that waits makes no difference either.
    await service.create()
    assert [(await api.get("/api/health/ready")).status_code for _ in range(20)] == [200] * 20
