"""KnowledgeService: taxonomy, settings and people's decisions as a stream that AI processes keep in memory."""

from collections.abc import AsyncIterator
from typing import Any

from pok.inquiry.v1 import knowledge_pb2, knowledge_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.categories import Categories
from inquiry_service.domain.knowledge import KnowledgeLog, News
from inquiry_service.domain.settings import Settings
from inquiry_service.storage.knowledge import DecisionRecord


class KnowledgeServicer(knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Converts what the log tells; each answer has the taxonomy, which is small, as it is then."""

    def __init__(self, log: KnowledgeLog, categories: Categories, settings: Settings) -> None:
        self._log = log
        self._categories = categories
        self._settings = settings

    async def WatchKnowledge(
        self, request: knowledge_pb2.WatchKnowledgeRequest, context: Any
    ) -> AsyncIterator[knowledge_pb2.WatchKnowledgeResponse]:
        """All of it now, and what changes after."""
        async for news in self._log.watch(request.after_version):
            yield await self._answer(news)

    async def _answer(self, news: News) -> knowledge_pb2.WatchKnowledgeResponse:
        values = await self._settings.read()
        active = [category for category in await self._categories.list() if category.active]
        return knowledge_pb2.WatchKnowledgeResponse(
            version=news.version,
            categories=map(convert.category_message, active),
            ai_provider=values.ai_provider,
            confidence_threshold=values.confidence_threshold,
            decisions=map(_decision, news.decisions),
            forgotten_inquiry_ids=map(str, news.forgotten),
            more=news.more,
            reset=news.reset,
        )


def _decision(record: DecisionRecord) -> knowledge_pb2.Decision:
    return knowledge_pb2.Decision(
        inquiry_id=str(record.inquiry_id),
        category=record.category or "",
        embedding=record.embedding or b"",
        encoder_version=record.encoder_version or "",
    )
