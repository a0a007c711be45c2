"""Real servers for tests: PostgreSQL and Valkey from their wheels, on free ports, in a folder that is thrown away."""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from runtime.stack.postgres import DATABASE, EXTENSIONS, Passwords, Postgres
from runtime.stack.process import running
from runtime.stack.valkey import Valkey

VALKEY_DATABASES = 1000
FIRST_PORT, LAST_PORT = 15_000, 32_000
MEMORY = Path("/dev/shm")
ENOUGH = 4 * 1024**3


def free_ports(count: int = 1) -> int:
    """Return the first of `count` free consecutive ports, below the range from which clients get theirs.

    Processes of tests that run side by side draw from ports of their own.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (LAST_PORT - FIRST_PORT) // processes
    for _ in range(1000):
        first = FIRST_PORT + process * share + random.randrange(share - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free consecutive ports")


class PostgresServer:
    """A running PostgreSQL that gives out databases of its own to tests."""

    def __init__(self, server: Postgres, log: Path) -> None:
        self.log = log
        self._server = server
        self._numbers = itertools.count(1)
        self._migrated = False
        self._migrating = asyncio.Lock()

    async def migrated(self) -> str:
        """Return the URL of a fresh database with the inquiry service's tables, for the role of the service."""
        async with self._migrating:
            if not self._migrated:
                from inquiry_service.migrations import run

                await asyncio.to_thread(run.upgrade, self._server.owner_url, self._server.url)
                self._migrated = True
            return self.as_service(await self._create(template=DATABASE))

    async def empty(self) -> str:
        """Return the URL of a fresh database without any table, for its owner, who could not add extensions."""
        url = await self._create(template="template0")
        for extension in EXTENSIONS:
            await self._execute(f"CREATE EXTENSION {extension}", self.as_admin(url))
        return url

    def as_owner(self, url: str) -> str:
        """Return the URL of the same database for its owner."""
        return self._in(self._server.owner_url, url)

    def as_service(self, url: str) -> str:
        """Return the URL of the same database for the role of the service."""
        return self._in(self._server.url, url)

    def as_admin(self, url: str) -> str:
        """Return the URL of the same database for the superuser."""
        return self._in(self._server.admin_url, url)

    async def drop(self, url: str) -> None:
        """Remove a database, whoever still uses it."""
        await self._execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    async def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        # A copy of the files is several times faster than writing every block to the log, which is the default.
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {DATABASE} STRATEGY FILE_COPY")
        return self._in(self._server.owner_url, name)

    @staticmethod
    def _in(server: str, url: str) -> str:
        return f"{server.rpartition('/')[0]}/{url.rpartition('/')[2]}"

    async def _execute(self, statement: str, url: str = "") -> None:
        connection = await asyncpg.connect(url or self._server.admin_url, timeout=10)
        try:
            await connection.execute(statement, timeout=30)
        finally:
            await connection.close()


class ValkeyServer:
    """A running Valkey that gives out databases of its own to tests."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self._numbers = itertools.cycle(range(VALKEY_DATABASES))

    def empty(self) -> str:
        """Return the URL of a database that no other test uses."""
        return f"{self._server.url.rpartition('/')[0]}/{next(self._numbers)}"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is thrown away; in memory where there is enough of it: databases are made several times faster."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    with tempfile.TemporaryDirectory(prefix="pok-", dir=MEMORY if roomy else None) as folder:
        yield Path(folder)


@contextlib.asynccontextmanager
async def postgres_server(folder: Path) -> AsyncIterator[PostgresServer]:
    """Run a PostgreSQL that forgets everything in a power cut, and is fast for that."""
    server = Postgres(folder / "postgres", free_ports(), Passwords("test", "test", "test-admin"), durable=False)
    async with running(server.process(), folder) as child:
        yield PostgresServer(server, child.log.path)


@contextlib.asynccontextmanager
async def valkey_server(folder: Path) -> AsyncIterator[ValkeyServer]:
    """Run a Valkey."""
    server = Valkey(folder / "valkey", free_ports(), "test", databases=VALKEY_DATABASES)
    async with running(server.process(), folder):
        yield ValkeyServer(server)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0 and _can_bind(port)


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
