"""The task behind a doorbell: claim, analyse, complete or fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from pok.ai.v1.analysis_pb2 import Analysis
from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceStub
from pok.inquiry.v1 import triage_pb2 as pb
from pok.inquiry.v1.triage_pb2_grpc import TriageServiceStub

from runtime import tracing
from runtime.doorbell import TASK, Origin
from runtime.rpc import context
from runtime.rpc.errors import Aborted, DeadlineExceeded, FailedPrecondition, RpcError, Unavailable, Unreachable
from worker import backoff, metrics
from worker.claims import Claims
from worker.failure import Failure, failure_of
from worker.gate import Gate
from worker.peer import Peer
from worker.together import Together

log = structlog.get_logger(__name__)

MOST_TOGETHER = 32
"""Claims or results in one call: even the longest conversations of so many fit into an answer."""

Request = TypeVar("Request")


class Triage:
    """One instance per process; it runs once per doorbell, many at a time."""

    def __init__(self, worker: str, claims: Claims, inquiry: Peer, ai: Peer) -> None:
        self._worker = worker
        self._claims = claims
        self._inquiry = inquiry
        self._triage = TriageServiceStub(inquiry.channel)
        self._ai = ai
        self._analysis = AnalysisServiceStub(ai.channel)
        self._gate = Gate()
        self._claim = Together(self._claim_all, MOST_TOGETHER)
        self._complete = Together(self._complete_all, MOST_TOGETHER)
        self.under_way = 0
        """Doorbells that it works on."""

    async def run(self, inquiry_id: str, origin: Origin) -> None:
        """Do what is due for this inquiry; nothing if it is done, not due, or held by another worker."""
        context.enter(context.Call(request_id=origin.request_id or context.new_request_id()))
        self.under_way += 1
        try:
            with tracing.span(TASK, "consumer", parent=origin.traceparent, enter=True):
                await self._run(inquiry_id)
        finally:
            self.under_way -= 1

    async def _run(self, inquiry_id: str) -> None:
        metrics.DOORBELLS.inc()
        async with self._gate.together():
            asked = asyncio.get_running_loop().time()
            claim = await self._claimed(inquiry_id)
            if claim is not None:
                async with self._claims.holding(claim, since=asked):
                    await self._carry_out(claim)

    async def _claimed(self, inquiry_id: str) -> pb.Claim | None:
        try:
            return await self._claim(inquiry_id)
        except RpcError as error:
            # The doorbell is dropped: while the inquiry is due, the sweeper rings again.
            log.warning("claim_failed", inquiry_id=inquiry_id, reason=error.reason)
            if isinstance(error, Unreachable):
                self._inquiry.lost()
            return None

    async def _claim_all(self, inquiry_ids: Sequence[str]) -> list[pb.Claim | None]:
        request = pb.ClaimTriagesRequest(inquiry_ids=dict.fromkeys(inquiry_ids), worker=self._worker)
        response = await self._triage.ClaimTriages(request)
        claims = {claim.key.inquiry_id: claim for claim in response.claims}
        return [claims.pop(inquiry_id, None) for inquiry_id in inquiry_ids]  # once, however often it was rung for

    async def _carry_out(self, claim: pb.Claim) -> None:
        if not claim.alone:
            await self._analyse(claim)
        elif self._gate.is_closed:
            # Two suspects must not wait side by side: a crash of the first would count for both.
            await self._release(claim)
        else:
            async with self._gate.alone():
                await self._analyse(claim)

    async def _analyse(self, claim: pb.Claim) -> None:
        timeout = claim.analysis_timeout.ToTimedelta().total_seconds()
        try:
            response = await self._analysis.Analyze(claim.request, timeout=timeout)
        except Unreachable:
            self._ai.lost()
            await self._release(claim, ai_unreachable=True)
        except RpcError as error:
            await self._fail(claim, failure_of(error))
        else:
            await self._finish(claim, response.analysis)

    async def _finish(self, claim: pb.Claim, analysis: Analysis) -> None:
        try:
            await self._report(self._complete, pb.CompleteTriageRequest(key=claim.key, analysis=analysis))
            metrics.ENDED.labels("completed").inc()
        except RpcError as error:
            log.error("result_refused", inquiry_id=claim.key.inquiry_id, claim=claim.key.claim, reason=error.reason)
            await self._fail(claim, Failure(pb.FAILURE_KIND_PROVIDER, "result_refused", usage=analysis.usage))

    async def _complete_all(self, results: Sequence[pb.CompleteTriageRequest]) -> list[pb.Completion | RpcError]:
        response = await self._triage.CompleteTriages(pb.CompleteTriagesRequest(results=results))
        return [_refusal(completion) or completion for completion in response.completions]

    async def _fail(self, claim: pb.Claim, failure: Failure) -> None:
        request = pb.FailTriageRequest(key=claim.key, kind=failure.kind, reason=failure.reason, usage=failure.usage)
        if failure.retry_delay:
            request.retry_delay.FromTimedelta(timedelta(seconds=failure.retry_delay))
        await self._report(self._triage.FailTriage, request)
        metrics.ENDED.labels("failed").inc()

    async def _release(self, claim: pb.Claim, *, ai_unreachable: bool = False) -> None:
        request = pb.ReleaseTriageRequest(key=claim.key, ai_unreachable=ai_unreachable)
        await self._report(self._triage.ReleaseTriage, request)
        metrics.ENDED.labels("released").inc()

    async def _report(self, send: Callable[[Request], Awaitable[Any]], request: Request) -> None:
        """Tell the inquiry service how it ended, again and again while the lease lasts: the work is worth keeping."""
        for delay in backoff.delays():
            try:
                await send(request)
            except Aborted as error:
                log.info("claim_stale", reason=error.reason)
            except (Unavailable, DeadlineExceeded) as error:
                log.warning("report_delayed", reason=error.reason)
                await asyncio.sleep(delay)
                continue
            return


def _refusal(completion: pb.Completion) -> RpcError | None:
    match completion.refusal:
        case "":
            return None
        case "STALE_CLAIM":
            return Aborted("The claim is not the current one.", reason=completion.refusal)
        case reason:
            return FailedPrecondition("The result was refused.", reason=reason)
