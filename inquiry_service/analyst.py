"""The AI service as this service asks it: plain values in and out, errors as RpcErrors, every call with a deadline."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from pok.ai.v1 import analysis_pb2
from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceStub

from inquiry_service.api import convert
from inquiry_service.domain.triage import Analysis
from inquiry_service.storage.records import AnalysisInput, DraftedReply, Embedded
from runtime.rpc.client import dial
from runtime.rpc.errors import Unavailable
from runtime.settings import Secret

if TYPE_CHECKING:  # the generated module has it for type checkers only
    from pok.ai.v1.analysis_pb2_grpc import AnalysisServiceAsyncStub

TIMEOUT = 60.0


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
        request = convert.analyze_request(str(inquiry_id), asked, spend_left)
        request.provider = provider
        response = await self._stub.Analyze(request)
        return convert.analysis(response.analysis)

    async def draft_reply(
        self, inquiry_id: UUID, asked: AnalysisInput, *, category: str, instruction: str, spend_left: int | None
    ) -> AsyncGenerator[str | DraftedReply]:
        """The text as it is written, and at the end the whole of it."""
        request = analysis_pb2.DraftReplyRequest(
            inquiry=convert.analyze_request(str(inquiry_id), asked, spend_left),
            category=category,
            instruction=instruction,
        )
        async for response in self._stub.DraftReply(request, timeout=TIMEOUT):
            if response.WhichOneof("part") == "delta":
                yield response.delta
            else:
                yield convert.drafted_reply(response.reply)
                return
        raise Unavailable("The AI service ended before the draft did.", reason="DRAFT_INCOMPLETE")
