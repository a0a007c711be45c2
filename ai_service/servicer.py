"""pok.ai.v1.AnalysisService: reads the request, asks the provider, checks the answer."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
import structlog
from pok.ai.v1 import analysis_pb2, analysis_pb2_grpc

from ai_service import convert, metrics
from ai_service.analysis import Analysis, WrongAnswer, check
from ai_service.knowledge import Knowledge
from ai_service.router import Router
from runtime.rpc import context
from runtime.rpc.errors import InvalidArgument, Unavailable

log = structlog.get_logger(__name__)

LONGEST_ANALYSIS = 60.0
"""Seconds for a caller that sets no deadline of its own."""

Context = grpc.aio.ServicerContext[Any, Any]


class AnalysisServicer(analysis_pb2_grpc.AnalysisServiceServicer):
    """Serves analyses by the provider that the installation wants and the taxonomy in memory."""

    def __init__(self, router: Router, knowledge: Knowledge) -> None:
        self._router = router
        self._knowledge = knowledge

    async def Analyze(self, request: analysis_pb2.AnalyzeRequest, context_: Context) -> analysis_pb2.AnalyzeResponse:
        """Classify one inquiry and draft its reply, by the provider that the request or else the installation wants."""
        inquiry = convert.to_inquiry(request)
        taxonomy = await self._knowledge.at_least(request.knowledge_version)
        wanted = request.provider or self._knowledge.provider
        limit = context.timeout_within(LONGEST_ANALYSIS)
        with metrics.work("analysis"):
            analysis = await self._router.analyze(wanted, inquiry, taxonomy, timeout=limit)
        try:
            check(analysis, taxonomy)
        except WrongAnswer as error:
            log.warning("provider_bad_answer", inquiry_id=request.inquiry_id, defect=str(error))
            raise Unavailable(
                "The provider's answer breaks the contract.",
                reason="PROVIDER_BAD_ANSWER",
                metadata={"defect": str(error), **analysis.usage.noted()},
            ) from None
        metrics.answered("analysis", analysis.model, analysis.usage, analysis.fallback)
        _log(request.inquiry_id, analysis)
        return analysis_pb2.AnalyzeResponse(analysis=convert.from_analysis(analysis))

    async def DraftReply(
        self, request: analysis_pb2.DraftReplyRequest, context_: Context
    ) -> AsyncIterator[analysis_pb2.DraftReplyResponse]:
        """Draft a reply anew, as it is written."""
        inquiry, order = convert.to_inquiry(request.inquiry), convert.to_order(request)
        written = self._router.draft(
            request.inquiry.provider or self._knowledge.provider,
            inquiry,
            order,
            timeout=context.timeout_within(LONGEST_ANALYSIS),
        )
        with metrics.work("draft"):
            async with aclosing(written) as parts:
                async for part in parts:
                    if isinstance(part, str):
                        yield analysis_pb2.DraftReplyResponse(delta=part)
                        continue
                    metrics.answered("draft", part.model, part.usage, part.fallback)
                    yield analysis_pb2.DraftReplyResponse(reply=convert.from_drafted(part))

    async def Embed(self, request: analysis_pb2.EmbedRequest, context_: Context) -> analysis_pb2.EmbedResponse:
        """Embed texts with the embedded encoder, whatever provider analyses."""
        embeddings, version = await self._router.embed(convert.to_texts(request))
        return analysis_pb2.EmbedResponse(embeddings=embeddings, encoder_version=version)

    async def ExplainCategory(
        self, request: analysis_pb2.ExplainCategoryRequest, context_: Context
    ) -> analysis_pb2.ExplainCategoryResponse:
        """Say why the embedded model gives a category to an inquiry."""
        inquiry = convert.to_inquiry(request.inquiry)
        taxonomy = await self._knowledge.at_least(request.inquiry.knowledge_version)
        if request.category and request.category not in taxonomy.keys:
            raise InvalidArgument.field("category", "Must be an active category.")
        limit = context.timeout_within(LONGEST_ANALYSIS)
        explanation = await self._router.explain(inquiry, taxonomy, request.category, timeout=limit)
        return convert.from_explanation(explanation)

    async def GetModel(self, request: analysis_pb2.GetModelRequest, context_: Context) -> analysis_pb2.GetModelResponse:
        """Say what answers at present."""
        response = analysis_pb2.GetModelResponse(
            model=convert.from_model(self._router.model(self._knowledge.provider)),
            knowledge_version=self._knowledge.version,
            thresholds=map(convert.from_threshold, self._router.thresholds),
        )
        if state := self._router.paid_state:
            response.paid.CopyFrom(convert.from_state(state))
        if self._knowledge.load_time:
            response.load_time.FromDatetime(self._knowledge.load_time)
        return response


def _log(inquiry_id: str, analysis: Analysis) -> None:
    log.info(
        "analyzed",
        inquiry_id=inquiry_id,
        model=analysis.model.name,
        confidence=round(analysis.categories[0].confidence, 3),
        duration_ms=round(analysis.usage.duration_ms, 1),
    )
