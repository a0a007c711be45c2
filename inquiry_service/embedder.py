"""Embeds what has no embedding of the present encoder: imports, and everything once a new encoder has come."""

import asyncio
from datetime import timedelta
from typing import NoReturn

import asyncpg
import structlog

from inquiry_service.domain.meaning import Embed
from inquiry_service.storage import search_index, triage
from inquiry_service.storage.database import Database
from runtime.rpc.errors import RpcError

log = structlog.get_logger(__name__)

BATCH = 16
TIMEOUT = 2.5
"""Seconds for one batch: the transaction that keeps other replicas out lasts no longer than a statement may."""

LEISURE = 3.0
"""Rest as a multiple of the work, so that analyses and searches always go first."""

SHORTEST_PAUSE = 0.1
IDLE_SECONDS = 30.0
TROUBLED_SECONDS = 10.0
FRESH = timedelta(minutes=2)
"""What is younger is probably being analysed, which embeds it too."""

# Any constant will do; it only has to be the same for every replica.
EMBEDDER_LOCK = 7_065_109


class Embedder:
    """One replica embeds at a time, batch by batch; what is done is in the database, so it goes on where it stopped."""

    def __init__(self, database: Database, embed: Embed) -> None:
        self._database = database
        self._embed = embed

    async def run(self) -> NoReturn:
        """Embed until cancelled; pauses while the AI service is away."""
        loop = asyncio.get_running_loop()
        troubled = False
        while True:
            began = loop.time()
            try:
                done = await self.advance()
                pause = max(SHORTEST_PAUSE, LEISURE * (loop.time() - began)) if done else IDLE_SECONDS
                troubled = False
            except (RpcError, asyncpg.PostgresError) as error:
                if not troubled:
                    log.warning("embedding_paused", cause=type(error).__name__)
                troubled, pause = True, TROUBLED_SECONDS
            await asyncio.sleep(pause)

    async def advance(self, age: timedelta = FRESH) -> int:
        """Embed one batch; returns how many inquiries it had."""
        async with self._database.transaction() as connection:
            if not await triage.try_lead(connection, EMBEDDER_LOCK):
                return 0
            present = await self._embed([""], timeout=TIMEOUT)
            waiting = await search_index.unembedded(connection, present.encoder_version, BATCH, age)
            if not waiting:
                return 0
            embedded = await self._embed([one.written for one in waiting], timeout=TIMEOUT)
            ids = [one.id for one in waiting]
            made = dict(zip(ids, embedded.embeddings, strict=True))
            await search_index.embed(connection, made, embedded.encoder_version)
            return len(waiting)
