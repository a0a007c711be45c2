"""What a search means: the embedding of its words, if the AI service says it in time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import Protocol

from inquiry_service.storage.records import Embedded
from runtime.rpc.errors import RpcError

PATIENCE = 0.3
"""Seconds; whoever searches waits for words no longer than for this."""

REMEMBERED = 500
REMEMBERED_SECONDS = 600.0


class Embed(Protocol):
    """The AI service's encoder."""

    def __call__(self, texts: Sequence[str], *, timeout: float) -> Awaitable[Embedded]:
        """The embeddings of the texts. Raises RpcError."""


class Meanings:
    """Asks once for what is searched for again and again, such as the pages of one search."""

    def __init__(self, embed: Embed, patience: float = PATIENCE) -> None:
        self._embed = embed
        self._patience = patience
        self._known: OrderedDict[str, tuple[float, Embedded]] = OrderedDict()

    def forget(self) -> None:
        """Ask anew from here on."""
        self._known.clear()

    async def of(self, words: str) -> Embedded | None:
        """The embedding; None when the AI service does not answer in time."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(words)
        if known is not None and known[0] > now:
            self._known.move_to_end(words)
            return known[1]
        try:
            async with asyncio.timeout(self._patience):
                embedded = await self._embed([words], timeout=self._patience)
        except (RpcError, TimeoutError):
            return None
        # They expire because another encoder may answer tomorrow, whose embeddings are others.
        self._known[words] = (now + REMEMBERED_SECONDS, embedded)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return embedded
