"""What lists and searches cost with many inquiries, compared with few: with 1,000,000 at most twice as much.

    .venv/bin/python -m benchmarks.lists FOLDER [MANY]

Runs a PostgreSQL of its own in FOLDER, fills one database with 10,000 inquiries and another with MANY (1,000,000 unless
said otherwise) by `benchmarks/load.py`, and asks the inquiry service's operations the same of both, in turns, 25 times
each. Prints lower quartiles, which tell more than medians where others use the machine too. The folder is kept: a
second run measures at once. Exits with 1 when one of them exceeds twice that of the small database.
"""

import asyncio
import contextlib
import os
import platform
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from ai_service.embedded.encoder import VERSION, packed
from ai_service.embedded.encoding import load_model
from benchmarks import load
from inquiry_service.domain.meaning import Meanings
from inquiry_service.domain.page_tokens import PageTokens
from inquiry_service.domain.reading import Listed, Query, Reading
from inquiry_service.domain.searching import Searching
from inquiry_service.domain.settings import Settings
from inquiry_service.migrations import run
from inquiry_service.storage.database import Database
from inquiry_service.storage.records import Embedded
from runtime.rpc.context import Principal
from runtime.settings import Secret
from runtime.stack.postgres import DATABASE, EXTENSIONS, Passwords, Postgres
from runtime.stack.process import running
from tests.support.servers import free_ports

FEW, MANY = 10_000, 1_000_000
DEEP = 100_000
ROUNDS = 25
MOST_TIMES = 2.0
STAFF = Principal("support", "")
MEANING = "someone used my credit card without permission"

Ask = Callable[[], Awaitable[Any]]


class Encoder:
    """The encoder in this process."""

    def __init__(self) -> None:
        self._model = load_model()

    async def __call__(self, texts: Sequence[str], *, timeout: float) -> Embedded:  # noqa: ARG002
        """Encode."""
        rows = await asyncio.to_thread(self._model.encode, list(texts))
        return Embedded([packed(row) for row in rows], VERSION)


async def away(texts: Sequence[str], *, timeout: float) -> Embedded:  # noqa: ARG001
    """Without an encoder."""
    raise TimeoutError


class Installation:
    """One database, asked as the inquiry service asks it."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        pages, settings = PageTokens(Secret("benchmark" * 4)), Settings(database, {})
        self._words = Reading(database, settings, pages, Searching(database, pages, Meanings(away)))
        self._meanings = Meanings(encoder, patience=30)
        self._all = Reading(database, settings, pages, Searching(database, pages, self._meanings))
        self._deep = ""

    async def prepare(self, deep: int) -> None:
        """Walk to the page after `deep` rows, or the last but one, as somebody would who goes on and on."""
        for _ in range(deep // 100):
            page = await self.list(page_size=100, page_token=self._deep)
            if not page.next_page_token:
                return
            self._deep = page.next_page_token

    async def list(self, **query: Any) -> Listed:
        """A page."""
        return await self._words.list(Query(**query), STAFF)

    async def search(self, text: str) -> Listed:
        """What means this, asked for the first time."""
        self._meanings.forget()
        return await self._all.list(Query(text=text), STAFF)

    def questions(self) -> dict[str, Ask]:
        """What is measured."""
        filters = {"status": ["open"], "category": ["billing_payment"], "language": ["es"]}
        often = {"status": ["resolved"], "language": ["es"]}
        return {
            "first page": self.list,
            "page of what is often": lambda: self.list(filters=often),
            "page of what is rare": lambda: self.list(filters=filters),
            f"page after {DEEP:,} rows": lambda: self.list(page_token=self._deep),
            "common word": lambda: self.list(text="pedido"),
            "beginning of a common word": lambda: self.list(text="tarje"),
            "two words": lambda: self.list(text="paquete noticias"),
            "rare word": lambda: self.list(text="astrolabio"),
            "common name": lambda: self.list(text="García"),
            "rare name": lambda: self.list(text="García López"),
            "name with a typo": lambda: self.list(text="Hernandze"),
            "common word with filters": lambda: self.list(text="pedido", filters=often),
            "word with filters": lambda: self.list(text="paquete", filters=often),
            "meaning": lambda: self.search(MEANING),
        }


@contextlib.asynccontextmanager
async def databases(folder: Path, counts: Mapping[str, int]) -> AsyncIterator[list[str]]:
    """URLs of databases with so many inquiries each."""
    server = Postgres(folder / "postgres", free_ports(), Passwords("bench", "bench", "bench-admin"))
    async with running(server.process(), folder):
        yield [await filled(server, name, count) for name, count in counts.items()]


async def filled(server: Postgres, name: str, count: int) -> str:
    """The URL of the database with so many inquiries, made and filled as far as need be."""
    owner, service = (f"{url.rpartition('/')[0]}/{name}" for url in (server.owner_url, server.url))
    admin = await asyncpg.connect(server.admin_url)
    try:
        if not await admin.fetchval("select true from pg_database where datname = $1", name):
            await admin.execute(f"create database {name} owner {DATABASE}")
    finally:
        await admin.close()
    admin = await asyncpg.connect(f"{server.admin_url.rpartition('/')[0]}/{name}")
    try:
        for extension in EXTENSIONS:
            await admin.execute(f"create extension if not exists {extension}")
    finally:
        await admin.close()
    await asyncio.to_thread(run.upgrade, owner, service)
    await load.main(owner, count)
    return service


async def milliseconds(ask: Ask) -> float:
    """How long one answer takes."""
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * 1000


async def compare(few: Installation, many: Installation) -> bool:
    """Whether each question costs at most MOST_TIMES as much."""
    held = True
    print(f"{'ms, and how many are found':28}{'few':>8}{'many':>8}{'ratio':>8}{'few':>10}{'many':>10}")
    for name, small in few.questions().items():
        large = many.questions()[name]
        found = [(await ask()).total for ask in (small, large, small, large)][:2]
        times = [(await milliseconds(small), await milliseconds(large)) for _ in range(ROUNDS)]
        first, second = (statistics.quantiles(column)[0] for column in zip(*times, strict=True))
        held &= second <= MOST_TIMES * first
        print(f"{name:28}{first:8.1f}{second:8.1f}{second / first:8.2f}{found[0]:10,}{found[1]:10,}")
    return held


async def main(folder: str, many: int = MANY) -> int:
    """Fill and measure; return the exit status."""
    encoder = Encoder()
    async with databases(Path(folder), {"few": FEW, "many": many}) as urls, contextlib.AsyncExitStack() as stack:
        installations = []
        for url in urls:
            database = Database(url, 2)
            await database.open()
            stack.push_async_callback(database.close)
            installation = Installation(database, encoder)
            await installation.prepare(DEEP)
            installations.append(installation)
        print(
            f"{FEW:,} and {many:,} inquiries; {platform.machine()}, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        return 0 if await compare(*installations) else 1


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python -m benchmarks.lists FOLDER [MANY]")
    sys.exit(asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:]))))
