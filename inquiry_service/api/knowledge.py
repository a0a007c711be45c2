"""KnowledgeService: the taxonomy as a stream that AI processes keep in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pok.inquiry.v1 import knowledge_pb2, knowledge_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.settings import Settings
from inquiry_service.storage import categories, knowledge
from inquiry_service.storage.database import Database

POLL_SECONDS = 2.0


class KnowledgeServicer(knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Sends the taxonomy and what the settings ask of the AI whenever the version has grown.

    Streams end when `stopping` is set.
    """

    def __init__(self, database: Database, settings: Settings, stopping: asyncio.Event) -> None:
        self._database = database
        self._settings = settings
        self._stopping = stopping

    async def WatchKnowledge(
        self, request: knowledge_pb2.WatchKnowledgeRequest, context: Any
    ) -> AsyncIterator[knowledge_pb2.WatchKnowledgeResponse]:
        """The whole taxonomy now, and again after each change."""
        sent = request.after_version
        while not self._stopping.is_set():
            version = await knowledge.version(self._database)
            if version > sent:
                yield await self._snapshot(version)
                sent = version
            await self._pause()

    async def _snapshot(self, version: int) -> knowledge_pb2.WatchKnowledgeResponse:
        active = [category for category in await categories.all_(self._database) if category.active]
        values = await self._settings.read()
        return knowledge_pb2.WatchKnowledgeResponse(
            version=version,
            categories=map(convert.category_message, active),
            ai_provider=values.ai_provider,
            confidence_threshold=values.confidence_threshold,
        )

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._stopping.wait()
        except TimeoutError:
            return
