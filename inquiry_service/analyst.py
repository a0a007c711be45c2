"""The AI service as this service asks it: plain values in and out, errors as RpcErrors, every call with a deadline."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from pok.ai.v1 import analysis_pb2
from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceStub

from inquiry_service.api import convert_analysis
from inquiry_service.domain.analysis import Analysis
from inquiry_service.domain.explaining import Explained
from inquiry_service.domain.text import storable
from inquiry_service.storage.records import AnalysisInput, DraftedReply, Embedded
from runtime.rpc.client import dial
from runtime.rpc.errors import RpcError, Unavailable
from runtime.settings import Secret

if TYPE_CHECKING:  # the generated module has it for type checkers only
    from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceAsyncStub

log = structlog.get_logger(__name__)

TIMEOUT = 60.0
EXPLAIN_TIMEOUT = 10.0
MODEL_TIMEOUT = 2.0


class Analyst:
    """Usable inside `opened()`; the AI service itself may still be down."""

    _stub: "AnalysisServiceAsyncStub"

    def __init__(self, address: str, token: Secret) -> None:
        self._address = address
        self._token = token

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Dial, on the running event loop."""
        async with dial(self._address, self._token, timeout=TIMEOUT) as channel:
            self._stub = AnalysisServiceStub(channel)
            yield

    async def embed(self, texts: Sequence[str], *, timeout: float) -> Embedded:
        """The embeddings of at most 128 texts, in their order."""
        response = await self._stub.Embed(analysis_pb2.EmbedRequest(texts=texts), timeout=timeout)
        return Embedded(list(response.embeddings), response.encoder_version)

    async def analyze(
        self, inquiry_id: UUID, asked: AnalysisInput, *, provider: str, spend_left: int | None
    ) -> Analysis:
        """What `provider` makes of it: "auto", "embedded" or "openai"."""
        request = convert_analysis.analyze_request(str(inquiry_id), asked, spend_left)
        request.provider = provider
        response = await self._stub.Analyze(request)
        return convert_analysis.analysis(response.analysis)

    async def explain(self, inquiry_id: UUID, asked: AnalysisInput, category: str) -> Explained:
        """Why the embedded model gives it this category, or the most probable one."""
        request = analysis_pb2.ExplainCategoryRequest(
            inquiry=convert_analysis.analyze_request(str(inquiry_id), asked, None), category=category
        )
        return convert_analysis.explained(await self._stub.ExplainCategory(request, timeout=EXPLAIN_TIMEOUT))

    async def model(self) -> analysis_pb2.GetModelResponse | None:
        """What the service says of itself; None while it does not answer."""
        try:
            return await self._stub.GetModel(analysis_pb2.GetModelRequest(), timeout=MODEL_TIMEOUT)
        except RpcError as error:
            log.warning("ai_state_unknown", reason=error.reason)
            return None

    async def draft_reply(
        self, inquiry_id: UUID, asked: AnalysisInput, *, category: str, instruction: str, spend_left: int | None
    ) -> AsyncGenerator[str | DraftedReply]:
        """The text as it is written, and at the end the whole of it."""
        request = analysis_pb2.DraftReplyRequest(
            inquiry=convert_analysis.analyze_request(str(inquiry_id), asked, spend_left),
            category=category,
            instruction=instruction,
        )
        async for response in self._stub.DraftReply(request, timeout=TIMEOUT):
            if response.WhichOneof("part") == "delta":
                yield storable(response.delta)
            else:
                yield convert_analysis.drafted_reply(response.reply)
                return
        raise Unavailable("The AI service ended before the draft did.", reason="DRAFT_INCOMPLETE")
