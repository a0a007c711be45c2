"""An AnalysisService behind a real gRPC server that does what a test tells it: answers, waits, fails, goes away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pok.ai.v1 import analysis_pb2 as pb
from pok.ai.v1 import analysis_pb2_grpc

from tests.support.stub_server import StubServer

PATIENCE = 15.0
"""Seconds after which a test that waits has failed."""

Answer = Callable[[pb.AnalyzeRequest], Awaitable[pb.Analysis]]


async def billing(request: pb.AnalyzeRequest) -> pb.Analysis:
    """A plausible analysis, whatever was asked."""
    return pb.Analysis(
        categories=[
            pb.CategoryScore(category="billing_payment", confidence=0.9),
            pb.CategoryScore(category="general_other"),
        ],
        sentiment=pb.SENTIMENT_NEGATIVE,
        priority=pb.PRIORITY_NORMAL,
        language="en",
        draft="Thank you for writing.",
        model=pb.Model(provider="embedded", name="stub"),
        knowledge_version=request.knowledge_version,
    )


class AnalysisStub(StubServer, analysis_pb2_grpc.AnalysisServiceServicer):
    """`answer` may be replaced at any time; it raises RpcErrors as the real service does."""

    service = "pok.ai.v1.AnalysisService"
    register = analysis_pb2_grpc.add_AnalysisServiceServicer_to_server

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.answer: Answer = billing
        self.in_flight: set[str] = set()
        self.cancelled: set[str] = set()
        self.changed = asyncio.Condition()

    async def until(self, condition: Callable[["AnalysisStub"], bool]) -> None:
        """Wait until the calls are as the test needs them."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    async def Analyze(self, request: pb.AnalyzeRequest, context: Any) -> pb.AnalyzeResponse:
        await self._note(self.in_flight.add, request.inquiry_id)
        try:
            return pb.AnalyzeResponse(analysis=await self.answer(request))
        except asyncio.CancelledError:
            self.cancelled.add(request.inquiry_id)
            raise
        finally:
            await self._note(self.in_flight.discard, request.inquiry_id)

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        return pb.GetModelResponse(model=pb.Model(provider="embedded", name="stub"))

    async def _note(self, change: Callable[[str], None], inquiry_id: str) -> None:
        async with self.changed:
            change(inquiry_id)
            self.changed.notify_all()
