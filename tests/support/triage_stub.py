"""A TriageService behind a real gRPC server whose queue a test fills by hand and whose claims it can take away."""

import asyncio
from collections.abc import Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import triage_pb2 as pb
from pok.inquiry.v1 import triage_pb2_grpc

from runtime.rpc.errors import Aborted, InvalidArgument, RpcError
from tests.support.stub_server import StubServer

PATIENCE = 15.0
"""Seconds after which a test that waits has failed."""

Outcome = pb.CompleteTriageRequest | pb.FailTriageRequest | pb.ReleaseTriageRequest


class TriageStub(StubServer, triage_pb2_grpc.TriageServiceServicer):
    """Grants each due inquiry once, and again when it was released. `outcomes` are the reports it accepted."""

    service = "pok.inquiry.v1.TriageService"
    register = triage_pb2_grpc.add_TriageServiceServicer_to_server

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.due: set[str] = set()
        self.alone: set[str] = set()
        self.lost: set[str] = set()
        self.lease = 30.0
        self.analysis_timeout = 30.0
        self.refusal: RpcError | None = None
        """What CompleteTriage raises instead of accepting."""
        self.answer_claim: dict[str, asyncio.Event] = {}
        """Claims that are granted at once but answered only when their event is set."""
        self.claims: dict[str, int] = {}
        self.outcomes: list[tuple[str, Outcome]] = []
        self.heartbeats: list[tuple[str, frozenset[str]]] = []
        """Who renewed what."""
        self.processes: list[pb.WorkerProcess] = []
        """How those who renewed describe themselves."""
        self.stopped: list[str] = []
        """Who said goodbye."""
        self.malformed = ""
        """An id that makes a call fail."""
        self.together: list[int] = []
        """How many came with each call that takes several."""
        self.changed = asyncio.Condition()

    async def until(self, condition: Callable[["TriageStub"], bool]) -> None:
        """Wait until the queue is as the test needs it."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    async def outcome(self, inquiry_id: str) -> Outcome:
        """The first report about this inquiry."""
        await self.until(lambda stub: inquiry_id in dict(stub.outcomes))
        return next(outcome for reported, outcome in self.outcomes if reported == inquiry_id)

    async def ClaimTriage(self, request: pb.ClaimTriageRequest, context: Any) -> pb.ClaimTriageResponse:
        inquiry_id = request.inquiry_id
        if inquiry_id not in self.due:
            return pb.ClaimTriageResponse()
        async with self.changed:
            self.due.remove(inquiry_id)
            self.claims[inquiry_id] = self.claims.get(inquiry_id, 0) + 1
            self.changed.notify_all()
        if inquiry_id in self.answer_claim:
            await self.answer_claim[inquiry_id].wait()
        claim = pb.Claim(
            key=pb.ClaimKey(inquiry_id=inquiry_id, claim=self.claims[inquiry_id]),
            lease=_duration(self.lease),
            analysis_timeout=_duration(self.analysis_timeout),
            alone=inquiry_id in self.alone,
            request=analysis_pb2.AnalyzeRequest(inquiry_id=inquiry_id),
        )
        return pb.ClaimTriageResponse(claim=claim)

    async def ClaimTriages(self, request: pb.ClaimTriagesRequest, context: Any) -> pb.ClaimTriagesResponse:
        if self.malformed in request.inquiry_ids:
            raise InvalidArgument.field("inquiry_ids", "Must be UUIDs.")
        self.together.append(len(request.inquiry_ids))
        asked = [pb.ClaimTriageRequest(inquiry_id=one, worker=request.worker) for one in request.inquiry_ids]
        answers = [await self.ClaimTriage(one, context) for one in asked]
        return pb.ClaimTriagesResponse(claims=[answer.claim for answer in answers if answer.HasField("claim")])

    async def RenewTriages(self, request: pb.RenewTriagesRequest, context: Any) -> pb.RenewTriagesResponse:
        async with self.changed:
            if request.stopped:
                self.stopped.append(request.worker)
            else:
                self.heartbeats.append((request.worker, frozenset(key.inquiry_id for key in request.claims)))
            self.processes.append(request.process)
            self.changed.notify_all()
        return pb.RenewTriagesResponse(lost=[key for key in request.claims if key.inquiry_id in self.lost])

    async def CompleteTriage(self, request: pb.CompleteTriageRequest, context: Any) -> pb.CompleteTriageResponse:
        if self.refusal:
            raise self.refusal
        await self._report(request)
        return pb.CompleteTriageResponse(applied=True)

    async def CompleteTriages(self, request: pb.CompleteTriagesRequest, context: Any) -> pb.CompleteTriagesResponse:
        self.together.append(len(request.results))
        completions = []
        for result in request.results:
            try:
                await self.CompleteTriage(result, context)
                completions.append(pb.Completion(applied=True))
            except Aborted as stale:
                completions.append(pb.Completion(refusal=stale.reason))
        return pb.CompleteTriagesResponse(completions=completions)

    async def FailTriage(self, request: pb.FailTriageRequest, context: Any) -> pb.FailTriageResponse:
        await self._report(request)
        return pb.FailTriageResponse()

    async def ReleaseTriage(self, request: pb.ReleaseTriageRequest, context: Any) -> pb.ReleaseTriageResponse:
        await self._report(request)
        self.due.add(request.key.inquiry_id)
        return pb.ReleaseTriageResponse()

    async def _report(self, request: Outcome) -> None:
        key = request.key
        if self.claims.get(key.inquiry_id) != key.claim:
            raise Aborted("The claim is not the current one.", reason="STALE_CLAIM")
        async with self.changed:
            self.outcomes.append((key.inquiry_id, request))
            self.changed.notify_all()


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration
