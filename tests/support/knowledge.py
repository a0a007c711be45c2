"""An AI process as far as it follows the knowledge stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from pok.inquiry.v1 import knowledge_pb2 as pb

from runtime.rpc.errors import RpcError
from tests.support.inquiry import Service

PATIENCE = 20.0


class Pupil:
    """What it holds. `resets` counts how often it had to forget everything; `parts` are the sizes of what came."""

    def __init__(self) -> None:
        self.version = 0
        self.examples: dict[str, str] = {}
        self.encoders: dict[str, str] = {}
        self.resets = 0
        self.parts: list[int] = []
        self.categories: list[str] = []
        self._changed = asyncio.Condition()

    async def follow(self, service: Service) -> None:
        """Take what comes until cancelled or cut off."""
        request = pb.WatchKnowledgeRequest(after_version=self.version)
        with suppress(RpcError):
            async for news in service.knowledge.WatchKnowledge(request, timeout=60):
                async with self._changed:
                    self._take(news)
                    self._changed.notify_all()

    async def until(self, condition: Callable[["Pupil"], bool]) -> None:
        """Wait until it holds what the test needs."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def knows(self, service: Service) -> dict[str, str]:
        """What it holds once it is up to date: inquiry → category."""
        [row] = await service.sql("select version from knowledge")
        await self.until(lambda pupil: pupil.version == row["version"])
        return self.examples

    def _take(self, news: pb.WatchKnowledgeResponse) -> None:
        if news.reset:
            self.resets += 1
            self.examples.clear()
        self.examples |= {decision.inquiry_id: decision.category for decision in news.decisions}
        self.encoders |= {decision.inquiry_id: decision.encoder_version for decision in news.decisions}
        for inquiry_id in news.forgotten_inquiry_ids:
            self.examples.pop(inquiry_id, None)
        self.categories = [category.key for category in news.categories]
        self.parts.append(len(news.decisions))
        if not news.more:
            self.version = news.version


@asynccontextmanager
async def pupil(service: Service, after: Pupil | None = None) -> AsyncIterator[Pupil]:
    """One that follows, from the beginning or from where another one was."""
    one = after or Pupil()
    task = asyncio.create_task(one.follow(service))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
