"""TriageService: the worker's port to the queue of record."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import triage_pb2, triage_pb2_grpc

from inquiry_service.api import convert, convert_analysis
from inquiry_service.domain.triage import Triage
from inquiry_service.storage.workers import Process
from runtime.rpc.errors import InvalidArgument

FAILURE_KIND = convert.Words(triage_pb2.FailureKind.DESCRIPTOR)
LONGEST_REASON = 100
LONGEST_NAME = 255


class TriageServicer(triage_pb2_grpc.TriageServiceServicer):
    """Converts, calls one operation, converts back. `wake` tells the sweeper that the queue has changed; times in s."""

    def __init__(self, triage: Triage, *, lease: float, analysis_timeout: float, wake: Callable[[], None]) -> None:
        self._triage = triage
        self._lease = _duration(lease)
        self._analysis_timeout = _duration(analysis_timeout)
        self._wake = wake

    async def ClaimTriage(self, request: triage_pb2.ClaimTriageRequest, context: Any) -> triage_pb2.ClaimTriageResponse:
        """Take it, or nothing."""
        inquiry_id = _inquiry_id(request.inquiry_id)
        job = await self._triage.claim(inquiry_id, request.worker)
        if job is None:
            return triage_pb2.ClaimTriageResponse()
        return triage_pb2.ClaimTriageResponse(
            claim=triage_pb2.Claim(
                key=triage_pb2.ClaimKey(inquiry_id=request.inquiry_id, claim=job.claim),
                lease=self._lease,
                analysis_timeout=self._analysis_timeout,
                alone=job.alone,
                request=convert_analysis.analyze_request(request.inquiry_id, job, self._triage.spend_left(job)),
            )
        )

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
        applied = await self._triage.complete(*_key(request.key), convert_analysis.analysis(request.analysis))
        if not applied:
            self._wake()
        return triage_pb2.CompleteTriageResponse(applied=applied)

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
