"""What this process knows of the installation: taxonomy and AI settings, kept current by one stream, in memory only."""

import asyncio
import random
from datetime import UTC, datetime
from typing import NoReturn

import grpc
import structlog
from pok.inquiry.v1 import knowledge_pb2, knowledge_pb2_grpc

from ai_service.analysis import Category, Taxonomy
from runtime.rpc.errors import DeadlineExceeded, RpcError, Unavailable

log = structlog.get_logger(__name__)

BEHIND = 0.3
"""Seconds to wait for a version that the caller already has; then the answer is made with what is here."""
DEFAULT_THRESHOLD = 0.5
"""Where the inquiry service, of an earlier version, sends none."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
STREAM_LIFE = 3600.0
"""Seconds after which the stream is opened anew, so that a peer that vanished silently is noticed."""


class Knowledge:
    """The taxonomy as the inquiry service last sent it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = knowledge_pb2_grpc.KnowledgeServiceStub(channel)
        self._taxonomy: Taxonomy | None = None
        self._arrived = asyncio.Condition()
        self.provider = "auto"
        """Which provider the installation wants: "auto", "embedded" or "openai"."""
        self.load_time: datetime | None = None
        """When the taxonomy in memory came; None before the first."""

    @property
    def version(self) -> int:
        """The version in memory; 0 = none yet."""
        return self._taxonomy.version if self._taxonomy else 0

    async def loaded(self) -> None:
        """Return as soon as there is a first snapshot."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._taxonomy is not None)

    async def at_least(self, version: int) -> Taxonomy:
        """The taxonomy at `version` or later, or after 300 ms the one that is here; raises Unavailable without any."""
        try:
            async with asyncio.timeout(BEHIND), self._arrived:
                await self._arrived.wait_for(lambda: self._taxonomy is not None and self.version >= version)
        except TimeoutError:
            log.warning("knowledge_behind", wanted=version, held=self.version)
        if self._taxonomy is None or not self._taxonomy.categories:
            raise Unavailable("The taxonomy has not arrived yet.", reason="KNOWLEDGE_MISSING", retry_delay=1.0)
        return self._taxonomy

    async def watch(self) -> NoReturn:
        """Follow the stream for ever; a broken one is opened again after a growing, jittered pause."""
        pause = FIRST_PAUSE
        while True:
            try:
                # From nothing each time: after a restore of its database the peer may be at a lower version than we.
                stream = self._stub.WatchKnowledge(knowledge_pb2.WatchKnowledgeRequest(), timeout=STREAM_LIFE)
                async for response in stream:
                    await self._take(response)
                    pause = FIRST_PAUSE
            except DeadlineExceeded:
                continue
            except RpcError as error:
                log.warning("knowledge_stream_broken", reason=error.reason)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _take(self, response: knowledge_pb2.WatchKnowledgeResponse) -> None:
        categories = tuple(
            Category(
                key=category.key,
                name_es=category.name_es,
                name_en=category.name_en,
                description=category.description,
                examples=tuple(category.examples),
            )
            for category in response.categories
        )
        async with self._arrived:
            self._taxonomy = Taxonomy(
                version=response.version, categories=categories, confidence_threshold=_threshold(response)
            )
            self.provider = response.ai_provider or "auto"
            self.load_time = datetime.now(UTC)
            self._arrived.notify_all()
        log.info("knowledge_arrived", version=response.version, categories=len(categories))


def _threshold(response: knowledge_pb2.WatchKnowledgeResponse) -> float:
    return response.confidence_threshold if response.HasField("confidence_threshold") else DEFAULT_THRESHOLD
