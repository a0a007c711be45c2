"""The way to Postgres: a pool, statements compiled once, transactions, and one translation of its failures."""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import ClauseElement, make_url, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.compiler import SQLCompiler

from inquiry_service.counters import ACQUIRE, FAILURES
from runtime.rpc.context import timeout_within
from runtime.rpc.errors import Unavailable

Row = Mapping[str, Any]

# Shorter than the edge's 5 s, so that this service still says what timed out.
STATEMENT_SECONDS = 4.0
RETRY_AFTER_SECONDS = 1.0
# The default takes a random read for four times as dear as the next one, which no disk is any more; and no statement of
# ours runs for so long that compiling it would pay.
PLANNER = {"random_page_cost": "1.1", "jit": "off"}
UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says whose server has died, until its end is noticed
    asyncpg.OperatorInterventionError,  # shutdown, crash recovery, cancelled by statement_timeout
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    OSError,
    TimeoutError,
)


class Statement:
    """SQL with named parameters (`:name`), compiled once to what the driver sends."""

    def __init__(self, source: str | ClauseElement) -> None:
        clause = text(source) if isinstance(source, str) else source
        compiled = clause.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only statements with rows or parameters can be compiled")
        self.sql = str(compiled)
        self._names: list[str] = list(compiled.positiontup or ())
        self._fixed: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """The values in the driver's order; raises KeyError for a missing one."""
        return [values[name] if name in values else self._fixed[name] for name in self._names]


class Connection:
    """One connection inside a transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """All rows."""
        rows: list[Row] = await self._connection.fetch(statement.sql, *statement.arguments(values))
        return rows

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = await self._connection.fetchrow(statement.sql, *statement.arguments(values))
        return row


class Database:
    """A pool of connections. A failure to reach Postgres leaves as Unavailable; constraint errors stay asyncpg's."""

    def __init__(self, url: str, size: int) -> None:
        # Passwords may hold characters that URLs escape; SQLAlchemy's parser knows them all.
        parts = make_url(url)
        self._options: dict[str, Any] = {
            "host": parts.host,
            "port": parts.port,
            "user": parts.username,
            "password": parts.password,
            "database": parts.database,
            "max_size": size,
            "min_size": 0,
        }
        self._pool: Any = None

    async def open(self) -> None:
        """Prepare the pool; connects on first use, so that the process starts without Postgres."""
        self._pool = await asyncpg.create_pool(
            **self._options,
            timeout=STATEMENT_SECONDS,
            init=prepare,
            reset=_keep,
            server_settings={
                "application_name": "pok-inquiry",
                "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
                "idle_in_transaction_session_timeout": "10000",
                "timezone": "UTC",
                **PLANNER,
            },
        )

    async def close(self) -> None:
        """Give connections back to Postgres; those still busy after 5 s are cut."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def connections(self) -> dict[str, int]:
        """How many there are at present, by what they do."""
        idle = self._pool.get_idle_size()
        return {"busy": self._pool.get_size() - idle, "idle": idle}

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """All rows of one statement in a transaction of its own."""
        async with self._acquire() as connection:
            rows: list[Row] = await connection.fetch(statement.sql, *statement.arguments(values))
            return rows

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """The first row of one statement in a transaction of its own, or None."""
        async with self._acquire() as connection:
            row: Row | None = await connection.fetchrow(statement.sql, *statement.arguments(values))
            return row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Several statements, one commit; rolled back when the block raises."""
        async with self._acquire() as connection, connection.transaction():
            yield Connection(connection)

    @asynccontextmanager
    async def planning(self) -> AsyncIterator[Connection]:
        """Several reads, each planned for its own values: where the best plan depends on how frequent they are."""
        async with self._acquire() as connection:
            # Both in one round trip, which the driver's own transactions would not do.
            await connection.execute("begin read only; set local plan_cache_mode = force_custom_plan")
            try:
                yield Connection(connection)
            finally:
                await connection.execute("rollback")

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[Any]:
        limit = timeout_within(STATEMENT_SECONDS)
        asked = time.perf_counter()
        try:
            async with asyncio.timeout(limit):
                connection = await self._pool.acquire()  # with its own timeout it would wait in a task of its own
                try:
                    ACQUIRE.observe(time.perf_counter() - asked)
                    yield connection
                finally:
                    await self._pool.release(connection, timeout=limit)
        except UNREACHABLE as error:
            FAILURES.labels(type(error).__name__).inc()
            raise Unavailable(
                "The database does not answer at the moment.",
                reason="DATABASE_UNAVAILABLE",
                metadata={"cause": type(error).__name__},
                retry_delay=RETRY_AFTER_SECONDS,
            ) from error


async def prepare(connection: Any) -> None:
    """Teach a connection the types that are not what the driver takes them for."""
    encoder = msgspec.json.Encoder()
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: encoder.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
    schema = await connection.fetchval(
        "select nspname from pg_type t join pg_namespace n on n.oid = typnamespace where typname = 'halfvec'"
    )
    if schema:  # not there before the first migration
        await connection.set_type_codec(
            "halfvec", schema=schema, encoder=_sent_vector, decoder=_received_vector, format="binary"
        )


def _sent_vector(numbers: bytes) -> bytes:
    # pgvector's binary format: how many, two bytes unused, then each big-endian; ours is little-endian.
    swapped = array("H", numbers)
    swapped.byteswap()
    return len(swapped).to_bytes(2) + b"\0\0" + swapped.tobytes()


def _received_vector(sent: bytes) -> bytes:
    swapped = array("H", sent[4:])
    swapped.byteswap()
    return swapped.tobytes()


async def _keep(_connection: Any) -> None:
    """Nothing to reset: no statement of ours changes a session, and the default reset costs a round trip per call."""
