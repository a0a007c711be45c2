"""Alembic's environment: one connection, one migrator at a time."""

import asyncio
import time

from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from inquiry_service.migrations.roles import MIGRATION_LOCK
from inquiry_service.storage.tables import metadata

POLL_SECONDS = 0.2
LOCK_MILLISECONDS = 2_000
"""Whoever comes after a lock that is waited for waits as well, so no create would go on meanwhile; `run` asks again."""


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    _take_turn(connection)
    with context.begin_transaction():
        context.run_migrations()


def _take_turn(connection: Connection) -> None:
    # Asked again and again, since indexes that are made while others write wait for every statement that runs: one
    # that waited for this lock would never end.
    while not connection.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
        connection.rollback()
        time.sleep(POLL_SECONDS)
    connection.commit()


async def _connect() -> None:
    url = make_url(context.config.attributes["database_url"]).set(drivername="postgresql+asyncpg")
    settings = {"lock_timeout": str(LOCK_MILLISECONDS)}
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": 10, "server_settings": settings})
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_connect())
