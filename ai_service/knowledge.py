"""What this process knows of the installation: taxonomy, AI settings, and what people decided; in memory only."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NoReturn

import grpc
import structlog
from pok.inquiry.v1 import knowledge_pb2, knowledge_pb2_grpc

from ai_service.analysis import Category, Decision, Taxonomy
from runtime.rpc.errors import DeadlineExceeded, RpcError, Unavailable

log = structlog.get_logger(__name__)

BEHIND = 0.3
"""Seconds to wait for a version that the caller already has; then the answer is made with what is here."""
DEFAULT_THRESHOLD = 0.7
"""Where the inquiry service, of an earlier version, sends none."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
LEARN_AGAIN = 5.0
"""Seconds after which learning that failed is tried again."""
STREAM_LIFE = 3600.0
"""Seconds after which the stream is opened anew, so that a peer that vanished silently is noticed."""

Learn = Callable[[Taxonomy, Sequence[Decision]], Awaitable[None]]
"""What the model does with a version of the knowledge before the first answer is made with it."""


class Knowledge:
    """Follows the inquiry service: `watch` takes what it sends, `teach` hands it to the model, and then it counts."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = knowledge_pb2_grpc.KnowledgeServiceStub(channel)
        self._sent: tuple[knowledge_pb2.WatchKnowledgeResponse, tuple[Decision, ...]] | None = None
        self._taxonomy: Taxonomy | None = None
        self._moved = asyncio.Condition()
        self.provider = "auto"
        """Which provider the installation wants: "auto", "embedded" or "openai"."""
        self.load_time: datetime | None = None
        """When the version in use came into use; None before the first."""

    @property
    def version(self) -> int:
        """The version in use; 0 = none yet."""
        return self._taxonomy.version if self._taxonomy else 0

    async def loaded(self) -> None:
        """Return as soon as there is a first snapshot, and the model has learnt from it."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._taxonomy is not None)

    async def at_least(self, version: int) -> Taxonomy:
        """The taxonomy at `version` or later, or after 300 ms the one that is here; raises Unavailable without any."""
        try:
            async with asyncio.timeout(BEHIND), self._moved:
                await self._moved.wait_for(lambda: self._taxonomy is not None and self.version >= version)
        except TimeoutError:
            log.warning("knowledge_behind", wanted=version, held=self.version)
        if self._taxonomy is None or not self._taxonomy.categories:
            raise Unavailable("The taxonomy has not arrived yet.", reason="KNOWLEDGE_MISSING", retry_delay=1.0)
        return self._taxonomy

    async def watch(self) -> NoReturn:
        """Follow the stream for ever; a broken one is opened again after a growing, jittered pause."""
        pause = FIRST_PAUSE
        while True:
            held: dict[str, Decision] = {}
            try:
                # From nothing each time: after a restore of its database the peer may be at a lower version than we.
                stream = self._stub.WatchKnowledge(knowledge_pb2.WatchKnowledgeRequest(), timeout=STREAM_LIFE)
                async for response in stream:
                    _take(response, held)
                    if not response.more:
                        await self._complete(response, tuple(held.values()))
                    pause = FIRST_PAUSE
            except DeadlineExceeded:
                continue
            except RpcError as error:
                # Connections are renewed twice an hour; only a stream that cannot be opened again is worth a warning.
                say = log.info if pause == FIRST_PAUSE else log.warning
                say("knowledge_stream_broken", reason=error.reason)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def teach(self, learn: Learn) -> NoReturn:
        """Let each version count as soon as the model has learnt it; those that come meanwhile are taken together.

        While it cannot be learnt, the version before serves, under its own number.
        """
        while True:
            response, decisions = news = await self._news()
            taxonomy = _taxonomy(response)
            try:
                await learn(taxonomy, decisions)
            except Exception:
                log.exception("learning_failed", version=taxonomy.version, held=self.version)
                await asyncio.sleep(LEARN_AGAIN)
                self._sent = self._sent or news
                continue
            async with self._moved:
                self._taxonomy = taxonomy
                self.provider = response.ai_provider or "auto"
                self.load_time = datetime.now(UTC)
                self._moved.notify_all()
            log.info(
                "knowledge_arrived",
                version=taxonomy.version,
                categories=len(taxonomy.categories),
                decisions=len(decisions),
            )

    async def _news(self) -> tuple[knowledge_pb2.WatchKnowledgeResponse, tuple[Decision, ...]]:
        async with self._moved:
            while self._sent is None:
                await self._moved.wait()
            news, self._sent = self._sent, None
            return news

    async def _complete(self, response: knowledge_pb2.WatchKnowledgeResponse, decisions: tuple[Decision, ...]) -> None:
        async with self._moved:
            self._sent = (response, decisions)
            self._moved.notify_all()


def _take(response: knowledge_pb2.WatchKnowledgeResponse, held: dict[str, Decision]) -> None:
    """Bring `held`, oldest first, to where this part of the stream leads."""
    if response.reset:
        held.clear()
    for inquiry_id in response.forgotten_inquiry_ids:
        held.pop(inquiry_id, None)
    for decision in response.decisions:
        held.pop(decision.inquiry_id, None)
        held[decision.inquiry_id] = Decision(
            inquiry_id=decision.inquiry_id,
            category=decision.category,
            embedding=decision.embedding,
            encoder_version=decision.encoder_version,
        )


def _taxonomy(response: knowledge_pb2.WatchKnowledgeResponse) -> Taxonomy:
    categories = tuple(
        Category(
            key=category.key,
            name_es=category.name_es,
            name_en=category.name_en,
            description=category.description,
            examples=tuple(category.examples),
        )
        for category in response.categories
        if not category.inactive
    )
    threshold = response.confidence_threshold if response.HasField("confidence_threshold") else DEFAULT_THRESHOLD
    return Taxonomy(version=response.version, categories=categories, confidence_threshold=threshold)
