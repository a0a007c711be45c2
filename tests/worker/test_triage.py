"""A doorbell becomes a claim, an analysis and a report; every failure becomes the right report."""

import asyncio
import importlib.metadata
import os
import socket

import pytest
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import triage_pb2 as pb
from redis.asyncio import Redis

from runtime import doorbell
from runtime.rpc.errors import Internal, InvalidArgument, RpcError, Unavailable
from tests.support.analysis_stub import AnalysisStub, Answer, Held, billing
from tests.support.events import until
from tests.support.triage_stub import TriageStub
from tests.worker.conftest import Running, message, running, settings_for
from worker.claims import HEARTBEAT
from worker.metrics import DOORBELLS


def failing(error: RpcError) -> Answer:
    async def answer(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        raise error

    return answer


async def test_doorbell_leads_to_the_analysis_of_the_claimed_inquiry(queue: TriageStub, worker: Running) -> None:
    await worker.ring("a")
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.CompleteTriageRequest)
    assert (outcome.key.inquiry_id, outcome.key.claim) == ("a", 1)
    assert outcome.analysis.categories[0].category == "billing_payment"


async def test_doorbell_for_what_is_not_due_does_nothing(queue: TriageStub, worker: Running, redis: Redis) -> None:
    await redis.xadd(doorbell.STREAM, {"data": message("not due")})
    await worker.ring("a")
    await queue.outcome("a")
    assert [inquiry for inquiry, _ in queue.outcomes] == ["a"]


@pytest.mark.parametrize(
    ("error", "kind", "reason", "delay"),
    [
        (Unavailable("x", reason="PROVIDER_BUSY"), pb.FAILURE_KIND_PROVIDER, "provider_busy", 0),
        (Unavailable("x", reason="PROVIDER_BUSY", retry_delay=5), pb.FAILURE_KIND_PROVIDER, "provider_busy", 5),
        (Unavailable("x", reason="PROVIDER_BUSY", retry_delay=30), pb.FAILURE_KIND_DEFERRED, "provider_busy", 30),
        (
            Unavailable("x", reason="PROVIDER_CIRCUIT_OPEN", retry_delay=2),
            pb.FAILURE_KIND_DEFERRED,
            "provider_circuit_open",
            2,
        ),
        (
            Unavailable("x", reason="PROVIDER_MINUTE_BUDGET", retry_delay=1),
            pb.FAILURE_KIND_DEFERRED,
            "provider_minute_budget",
            1,
        ),
        (
            Unavailable("x", reason="PROVIDER_QUEUE_FULL", retry_delay=1),
            pb.FAILURE_KIND_DEFERRED,
            "provider_queue_full",
            1,
        ),
        *(
            (Unavailable("x", reason=reason.upper(), retry_delay=2), pb.FAILURE_KIND_DEFERRED, reason, 2)
            for reason in ("provider_circuit_open", "provider_minute_budget", "provider_queue_full", "spend_cap")
        ),
        (InvalidArgument("x", reason="NO_CUSTOMER_TURN"), pb.FAILURE_KIND_INVALID, "no_customer_turn", 0),
        (Internal("x"), pb.FAILURE_KIND_PROVIDER, "internal", 0),
    ],
)
async def test_failed_analysis_is_reported_with_its_kind_and_reason(
    queue: TriageStub,
    ai: AnalysisStub,
    worker: Running,
    error: RpcError,
    kind: pb.FailureKind.ValueType,
    reason: str,
    delay: int,
) -> None:
    ai.answer = failing(error)
    await worker.ring("a")
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.FailTriageRequest)
    assert (outcome.kind, outcome.reason, outcome.retry_delay.seconds) == (kind, reason, delay)


async def test_what_a_failed_analysis_has_cost_is_reported(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    cost = {"input_tokens": 240, "output_tokens": 80, "cost_micros": 1120}
    metadata = {name: str(amount) for name, amount in cost.items()}
    ai.answer = failing(Unavailable("x", reason="PROVIDER_BAD_ANSWER", metadata=metadata))
    await worker.ring("a")
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.FailTriageRequest)
    assert outcome.usage == analysis_pb2.Usage(**cost)


async def test_analysis_that_takes_too_long_is_failed_by_the_worker(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    queue.analysis_timeout = 0.2
    ai.answer = Held()
    await worker.ring("a")
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.FailTriageRequest)
    assert (outcome.kind, outcome.reason) == (pb.FAILURE_KIND_PROVIDER, "analysis_timeout")


async def test_absent_ai_counts_no_attempt_and_nothing_more_is_claimed_until_it_is_back(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    ai.answer = Held()
    await worker.ring("a")
    await ai.until(lambda stub: "a" in stub.in_flight)
    await ai.stop()
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.ReleaseTriageRequest)
    assert outcome.ai_unreachable

    # One read of the stream may have begun before the loss; it takes the doorbell of "b", and no other is read.
    await worker.ring("b", "c", "d")
    await queue.until(lambda stub: len(stub.heartbeats) > 0)
    assert not {"c", "d"} & queue.claims.keys()

    ai.answer = billing
    await ai.start()
    assert isinstance(await queue.outcome("c"), pb.CompleteTriageRequest)
    assert isinstance(await queue.outcome("d"), pb.CompleteTriageRequest)


async def test_finished_analysis_survives_a_restart_of_the_inquiry_service(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    ai.answer = held = Held()
    await worker.ring("a")
    await ai.until(lambda stub: "a" in stub.in_flight)
    await queue.stop()
    held.let_go.set()
    await ai.until(lambda stub: not stub.in_flight)
    await queue.start()
    assert isinstance(await queue.outcome("a"), pb.CompleteTriageRequest)


async def test_stale_claim_is_dropped(queue: TriageStub, ai: AnalysisStub, worker: Running) -> None:
    ai.answer = held = Held()
    await worker.ring("a")
    await ai.until(lambda stub: "a" in stub.in_flight)
    queue.claims["a"] += 1
    held.let_go.set()
    await worker.ring("b")
    await queue.outcome("b")
    assert [inquiry for inquiry, _ in queue.outcomes] == ["b"]


async def test_refused_result_counts_as_a_failed_attempt_and_has_cost_all_the_same(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    queue.refusal = InvalidArgument("No such category.")
    usage = analysis_pb2.Usage(cost_micros=70)

    async def answer(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        analysis = await billing(request)
        analysis.usage.CopyFrom(usage)
        return analysis

    ai.answer = answer
    await worker.ring("a")
    outcome = await queue.outcome("a")
    assert isinstance(outcome, pb.FailTriageRequest)
    assert (outcome.kind, outcome.reason) == (pb.FAILURE_KIND_PROVIDER, "result_refused")
    assert outcome.usage == usage


async def test_idle_worker_sends_heartbeats(queue: TriageStub, worker: Running) -> None:
    await queue.until(lambda stub: ("worker-of-test", frozenset()) in stub.heartbeats)
    beat = queue.processes[0]
    assert (beat.host, beat.pid, beat.concurrency) == (socket.gethostname(), os.getpid(), 32)
    assert beat.version == importlib.metadata.version("pok")
    assert beat.interval.ToTimedelta().total_seconds() == HEARTBEAT


async def test_claims_are_renewed_together_for_as_long_as_the_work_takes(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    queue.lease = 0.5
    ai.answer = held = Held()
    await worker.ring("a", "b")
    both = ("worker-of-test", frozenset({"a", "b"}))
    await queue.until(lambda stub: stub.heartbeats.count(both) == 5)  # 5/3 of a lease
    held.let_go.set()
    assert isinstance(await queue.outcome("a"), pb.CompleteTriageRequest)
    assert isinstance(await queue.outcome("b"), pb.CompleteTriageRequest)


async def test_lost_claim_ends_its_analysis_and_no_other(queue: TriageStub, ai: AnalysisStub, worker: Running) -> None:
    queue.lease = 0.5
    ai.answer = held = Held()
    await worker.ring("a", "b")
    await ai.until(lambda stub: stub.in_flight == {"a", "b"})
    queue.lost.add("a")
    await ai.until(lambda stub: "a" in stub.cancelled)
    held.let_go.set()
    await queue.outcome("b")
    assert [inquiry for inquiry, _ in queue.outcomes] == ["b"]


async def test_work_ends_with_its_lease_when_it_cannot_be_renewed(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    queue.lease = 0.5
    ai.answer = Held()
    await worker.ring("a")
    await ai.until(lambda stub: "a" in stub.in_flight)
    await queue.stop()
    await ai.until(lambda stub: "a" in stub.cancelled)


async def test_inquiry_that_lost_a_claim_to_a_crash_runs_with_nothing_else(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    queue.lease = 0.5
    ai.answer = held = Held()
    await worker.ring("a", "b")
    await ai.until(lambda stub: stub.in_flight == {"a", "b"})
    await worker.ring("suspect", alone=True)
    # Renewed while it waits for the others to end.
    await queue.until(lambda stub: ("worker-of-test", frozenset({"a", "b", "suspect"})) in stub.heartbeats)
    assert ai.in_flight == {"a", "b"}

    ai.answer = held_alone = Held()
    held.let_go.set()
    await ai.until(lambda stub: stub.in_flight == {"suspect"})
    await worker.ring("c")
    await queue.until(lambda stub: stub.heartbeats[-3:] == [("worker-of-test", frozenset({"suspect"}))] * 3)
    assert "c" not in queue.claims
    held_alone.let_go.set()
    assert isinstance(await queue.outcome("suspect"), pb.CompleteTriageRequest)
    assert isinstance(await queue.outcome("c"), pb.CompleteTriageRequest)


async def test_second_suspect_is_given_back_so_that_the_first_ones_crash_does_not_count_for_it(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    ai.answer = held = Held()
    await worker.ring("a")
    await ai.until(lambda stub: stub.in_flight == {"a"})
    await claimed_together(queue, worker, "first", "second", alone=True)
    assert isinstance(await queue.outcome("second"), pb.ReleaseTriageRequest)
    await worker.ring("b")  # is not claimed while a suspect waits
    assert "b" not in queue.claims
    held.let_go.set()
    assert isinstance(await queue.outcome("first"), pb.CompleteTriageRequest)
    assert isinstance(await queue.outcome("b"), pb.CompleteTriageRequest)


async def claimed_together(queue: TriageStub, worker: Running, *inquiries: str, alone: bool = False) -> None:
    """Claim inquiries in one call: they are rung for while an earlier call is not answered."""
    heard = DOORBELLS._value.get()

    async def all_heard() -> bool:
        return bool(DOORBELLS._value.get() == heard + 1 + len(inquiries))

    queue.answer_claim["slow"] = answered = asyncio.Event()
    await worker.ring("slow")
    await worker.ring(*inquiries, alone=alone)
    await until(all_heard)
    answered.set()


async def test_what_comes_while_a_call_is_on_its_way_goes_together_with_the_next(
    queue: TriageStub, worker: Running
) -> None:
    await claimed_together(queue, worker, "a", "b", "c")
    for inquiry in ("slow", "a", "b", "c"):
        assert isinstance(await queue.outcome(inquiry), pb.CompleteTriageRequest)
    assert queue.together[:2] == [1, 3]


async def test_inquiry_is_worked_on_once_however_often_it_is_rung_for(queue: TriageStub, worker: Running) -> None:
    await claimed_together(queue, worker, "a", "a")
    assert isinstance(await queue.outcome("a"), pb.CompleteTriageRequest)
    await worker.ring("b")
    assert isinstance(await queue.outcome("b"), pb.CompleteTriageRequest)
    assert [inquiry for inquiry, _ in queue.outcomes].count("a") == 1


async def test_what_is_wrong_with_one_is_not_held_against_those_with_it(queue: TriageStub, worker: Running) -> None:
    queue.malformed = "b"
    await claimed_together(queue, worker, "a", "b", "c")
    assert isinstance(await queue.outcome("a"), pb.CompleteTriageRequest)
    assert isinstance(await queue.outcome("c"), pb.CompleteTriageRequest)


async def test_stopped_worker_lets_running_analyses_finish(
    queue: TriageStub, ai: AnalysisStub, worker: Running
) -> None:
    ai.answer = held = Held()
    await worker.ring("a")
    await ai.until(lambda stub: "a" in stub.in_flight)
    worker.stop.set()
    held.let_go.set()
    assert isinstance(await queue.outcome("a"), pb.CompleteTriageRequest)


async def test_stopped_worker_says_goodbye_when_all_is_reported(queue: TriageStub, worker: Running) -> None:
    await worker.ring("a")
    await queue.outcome("a")
    worker.stop.set()
    await queue.until(lambda stub: stub.stopped == ["worker-of-test"])
    assert queue.processes[-1].pid == os.getpid()


async def test_stopped_worker_gives_back_what_does_not_finish(
    queue: TriageStub, ai: AnalysisStub, redis_url: str, redis: Redis
) -> None:
    ai.answer = Held()
    async with running(settings_for(queue, ai, redis_url), queue, redis, drain=0.1) as worker:
        await worker.ring("a", "b")
        await ai.until(lambda stub: stub.in_flight == {"a", "b"})
    assert isinstance(await queue.outcome("a"), pb.ReleaseTriageRequest)
    outcome = await queue.outcome("b")
    assert isinstance(outcome, pb.ReleaseTriageRequest)
    assert not outcome.ai_unreachable
    await ai.until(lambda stub: stub.cancelled == {"a", "b"})
