"""An AnalysisService behind a real gRPC server that does what a test tells it: answers, waits, fails, goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from pok.ai.v1 import analysis_pb2 as pb
from pok.ai.v1 import analysis_pb2_grpc

from runtime.rpc.errors import RpcError
from tests.support.embeddings import embedding
from tests.support.stub_server import StubServer

PATIENCE = 15.0
"""Seconds after which a test that waits has failed."""

Answer = Callable[[pb.AnalyzeRequest], Awaitable[pb.Analysis]]
Writer = Callable[[pb.DraftReplyRequest], AsyncIterator[pb.DraftReplyResponse]]


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


class Held:
    """Analyses that end when the test says so."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def __call__(self, request: pb.AnalyzeRequest) -> pb.Analysis:
        await self.let_go.wait()
        return await billing(request)


async def thanks(request: pb.DraftReplyRequest) -> AsyncIterator[pb.DraftReplyResponse]:
    """A draft in two pieces, whatever was asked."""
    for delta in ("Thank you ", "for writing."):
        yield pb.DraftReplyResponse(delta=delta)
    yield pb.DraftReplyResponse(reply=drafted("Thank you for writing."))


def drafted(text: str, **fields: Any) -> pb.DraftedReply:
    """A finished draft that is fine as it is."""
    usual = {"model": pb.Model(provider="embedded", name="stub"), "instruction_followed": True}
    return pb.DraftedReply(text=text, **{**usual, **fields})


class AnalysisStub(StubServer, analysis_pb2_grpc.AnalysisServiceServicer):
    """`answer`, `write` and `embed` may be replaced at any time; they fail as the real service does."""

    service = "pok.ai.v1.AnalysisService"
    register = analysis_pb2_grpc.add_AnalysisServiceServicer_to_server

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.answer: Answer = billing
        self.write: Writer = thanks
        self.asked: list[pb.DraftReplyRequest] = []
        self.embed: Callable[[str], bytes] = lambda text: embedding(-1)
        self.embed_failure: RpcError | None = None
        self.embedded: list[str] = []
        """The texts that were asked for."""
        self.encoder_version = "test"
        self.explained: list[pb.ExplainCategoryRequest] = []
        self.explanation = pb.ExplainCategoryResponse(category="billing_payment")
        self.model = pb.GetModelResponse(model=pb.Model(provider="embedded", name="stub"))
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

    async def DraftReply(self, request: pb.DraftReplyRequest, context: Any) -> AsyncIterator[pb.DraftReplyResponse]:
        self.asked.append(request)
        async for response in self.write(request):
            yield response

    async def Embed(self, request: pb.EmbedRequest, context: Any) -> pb.EmbedResponse:
        if self.embed_failure:
            raise self.embed_failure
        self.embedded += filter(None, request.texts)  # an empty one asks for the version of the encoder
        return pb.EmbedResponse(embeddings=map(self.embed, request.texts), encoder_version=self.encoder_version)

    async def ExplainCategory(self, request: pb.ExplainCategoryRequest, context: Any) -> pb.ExplainCategoryResponse:
        self.explained.append(request)
        return self.explanation

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        return self.model

    async def _note(self, change: Callable[[str], None], inquiry_id: str) -> None:
        async with self.changed:
            change(inquiry_id)
            self.changed.notify_all()
