"""TriageService: the worker's port to the queue of record."""

from collections.abc import Callable, Iterable, Sized
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import triage_pb2, triage_pb2_grpc

from inquiry_service.api import convert, convert_analysis
from inquiry_service.domain.triage import Result, Triage
from inquiry_service.storage.workers import Process
from runtime.rpc.errors import InvalidArgument, RpcError

FAILURE_KIND = convert.Words(triage_pb2.FailureKind.DESCRIPTOR)
LONGEST_REASON = 100
LONGEST_NAME = 255
MOST_AT_ONCE = 100


class TriageServicer(triage_pb2_grpc.TriageServiceServicer):
    """Converts, calls one operation, converts back. `wake` tells the sweeper that the queue has changed; times in s."""

    def __init__(self, triage: Triage, *, lease: float, analysis_timeout: float, wake: Callable[[], None]) -> None:
        self._triage = triage
        self._lease = _duration(lease)
        self._analysis_timeout = _duration(analysis_timeout)
        self._wake = wake

    async def ClaimTriage(self, request: triage_pb2.ClaimTriageRequest, context: Any) -> triage_pb2.ClaimTriageResponse:
        """Take it, or nothing."""
        claims = await self._claim([request.inquiry_id], request.worker)
        return triage_pb2.ClaimTriageResponse(claim=claims[0] if claims else None)

    async def ClaimTriages(
        self, request: triage_pb2.ClaimTriagesRequest, context: Any
    ) -> triage_pb2.ClaimTriagesResponse:
        """Take what is due of several."""
        _check_number(request.inquiry_ids, "inquiry_ids")
        return triage_pb2.ClaimTriagesResponse(claims=await self._claim(request.inquiry_ids, request.worker))

    async def RenewTriages(
        self, request: triage_pb2.RenewTriagesRequest, context: Any
    ) -> triage_pb2.RenewTriagesResponse:
        """Prolong what is still held."""
        claims = [_key(claim) for claim in request.claims]
        lost = await self._triage.renew(claims, _process(request), stopped=request.stopped)
        return triage_pb2.RenewTriagesResponse(
            lost=[triage_pb2.ClaimKey(inquiry_id=str(inquiry_id), claim=claim) for inquiry_id, claim in lost]
        )

    async def CompleteTriage(
        self, request: triage_pb2.CompleteTriageRequest, context: Any
    ) -> triage_pb2.CompleteTriageResponse:
        """Store the result."""
        [outcome] = await self._complete([request])
        if isinstance(outcome, RpcError):
            raise outcome
        return triage_pb2.CompleteTriageResponse(applied=outcome)

    async def CompleteTriages(
        self, request: triage_pb2.CompleteTriagesRequest, context: Any
    ) -> triage_pb2.CompleteTriagesResponse:
        """Store several results."""
        _check_number(request.results, "results")
        outcomes = await self._complete(request.results)
        return triage_pb2.CompleteTriagesResponse(completions=map(_completion, outcomes))

    async def FailTriage(self, request: triage_pb2.FailTriageRequest, context: Any) -> triage_pb2.FailTriageResponse:
        """Retry later or fail for good."""
        if not 1 <= len(request.reason) <= LONGEST_REASON:
            raise InvalidArgument.field("reason", f"Must have 1 to {LONGEST_REASON} characters.")
        kind: Any = FAILURE_KIND.word(request.kind, "kind")
        asked = request.retry_delay.ToTimedelta().total_seconds() if request.HasField("retry_delay") else None
        usage = convert_analysis.usage(request.usage)
        run_after = await self._triage.fail(*_key(request.key), kind, request.reason, asked, usage)
        self._wake()
        return triage_pb2.FailTriageResponse(retry_time=convert.timestamp(run_after) if run_after else None)

    async def ReleaseTriage(
        self, request: triage_pb2.ReleaseTriageRequest, context: Any
    ) -> triage_pb2.ReleaseTriageResponse:
        """Give it back unused."""
        await self._triage.release(*_key(request.key), ai_unreachable=request.ai_unreachable)
        self._wake()
        return triage_pb2.ReleaseTriageResponse()

    async def _claim(self, inquiry_ids: Iterable[str], worker: str) -> list[triage_pb2.Claim]:
        jobs = await self._triage.claim([_inquiry_id(text) for text in inquiry_ids], worker)
        return [
            triage_pb2.Claim(
                key=triage_pb2.ClaimKey(inquiry_id=str(job.inquiry_id), claim=job.claim),
                lease=self._lease,
                analysis_timeout=self._analysis_timeout,
                alone=job.alone,
                request=convert_analysis.analyze_request(str(job.inquiry_id), job, self._triage.spend_left(job)),
            )
            for job in jobs
        ]

    async def _complete(self, requests: Iterable[triage_pb2.CompleteTriageRequest]) -> list[bool | RpcError]:
        read = [_result(request) for request in requests]
        stored = iter(await self._triage.complete([result for result in read if isinstance(result, Result)]))
        outcomes = [next(stored) if isinstance(result, Result) else result for result in read]
        if False in outcomes:
            self._wake()
        return outcomes


def _result(request: triage_pb2.CompleteTriageRequest) -> Result | RpcError:
    try:
        return Result(*_key(request.key), convert_analysis.analysis(request.analysis))
    except InvalidArgument as refusal:
        return refusal


def _completion(outcome: bool | RpcError) -> triage_pb2.Completion:
    if isinstance(outcome, RpcError):
        return triage_pb2.Completion(refusal=outcome.reason)
    return triage_pb2.Completion(applied=outcome)


def _check_number(items: Sized, field: str) -> None:
    if not 1 <= len(items) <= MOST_AT_ONCE:
        raise InvalidArgument.field(field, f"Must have 1 to {MOST_AT_ONCE} items.")


def _process(request: triage_pb2.RenewTriagesRequest) -> Process | None:
    if not request.HasField("process"):  # of an older version
        return None
    process = request.process
    return Process(
        name=_within(request.worker, "worker"),
        host=_within(process.host, "process.host"),
        pid=process.pid,
        version=_within(process.version, "process.version"),
        concurrency=process.concurrency,
        interval_seconds=max(0.0, process.interval.ToTimedelta().total_seconds()),
    )


def _within(text: str, field: str) -> str:
    if not 1 <= len(text) <= LONGEST_NAME:
        raise InvalidArgument.field(field, f"Must have 1 to {LONGEST_NAME} characters.")
    return text


def _key(key: triage_pb2.ClaimKey) -> tuple[UUID, int]:
    return _inquiry_id(key.inquiry_id), key.claim


def _inquiry_id(text: str) -> UUID:
    return convert.uuid_of(text)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration
