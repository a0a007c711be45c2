"""The embedded PostgreSQL and Valkey, as the stack starts them."""

import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio as redis

from runtime.stack.postgres import Passwords, Postgres
from runtime.stack.process import running
from runtime.stack.valkey import Valkey
from tests.support.servers import PostgresServer, ValkeyServer, free_ports

PASSWORDS = Passwords(owner="owner-secret", service="service-secret", admin="admin-secret")


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def command_lines() -> str:
    return subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout


def logs_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*.log"))


@pytest.fixture
def fresh(tmp_path: Path) -> Postgres:
    return Postgres(tmp_path / "postgres", free_ports(), PASSWORDS)


async def test_services_role_is_no_superuser_and_still_finds_its_extensions(fresh: Postgres, tmp_path: Path) -> None:
    async with running(fresh.process(), tmp_path):
        assert await fetch(fresh.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        extensions = await fetch(fresh.url, "SELECT array_agg(extname ORDER BY extname) FROM pg_extension")
    assert extensions == ["pg_trgm", "plpgsql", "unaccent", "vector"]


async def test_database_refuses_a_wrong_password(fresh: Postgres, tmp_path: Path) -> None:
    async with running(fresh.process(), tmp_path):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await fetch(fresh.url.replace("service-secret", "guess"), "SELECT 1")


async def test_database_is_durable_with_checksums_and_folds_case_beyond_ascii(fresh: Postgres, tmp_path: Path) -> None:
    async with running(fresh.process(), tmp_path):
        shown = [await fetch(fresh.url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "data_checksums")]
        assert shown == ["on", "on", "on"]
        assert await fetch(fresh.url, "SELECT upper('ñandú')") == "ÑANDÚ"


async def test_committed_rows_survive_a_killed_postgres(fresh: Postgres, tmp_path: Path) -> None:
    async with running(fresh.process(), tmp_path) as child:
        await fetch(fresh.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(child.pid, signal.SIGKILL)
        await child.exit
    async with running(fresh.process(), tmp_path):
        assert await fetch(fresh.owner_url, "SELECT answer FROM kept") == 42


async def test_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", free_ports(), PASSWORDS, durable=False)
    (tmp_path / "postgres.unfinished").mkdir()
    (tmp_path / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    async with running(server.process(), tmp_path):
        assert await fetch(server.url, "SELECT 1") == 1


async def test_passwords_are_in_no_log_and_on_no_command_line(fresh: Postgres, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "valkey", free_ports(), "valkey-secret")
    async with running(fresh.process(), tmp_path), running(valkey.process(), tmp_path):
        await fetch(fresh.url, "SELECT 1")
        listing = command_lines()
    logs = logs_in(tmp_path)
    assert "starting PostgreSQL" in logs
    assert "secret" not in logs
    assert "admin-secret" not in listing
    assert "valkey-secret" not in listing
    assert (tmp_path / "valkey" / "valkey.conf").stat().st_mode & 0o777 == 0o600


async def test_valkey_keeps_its_data_and_refuses_strangers(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "valkey", free_ports(), "secret")
    async with running(valkey.process(), tmp_path), redis.from_url(valkey.url) as client:
        await client.set("kept", "1")
    async with running(valkey.process(), tmp_path):
        async with redis.from_url(valkey.url) as client:
            assert await client.get("kept") == b"1"
            assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
        async with redis.from_url(f"redis://127.0.0.1:{valkey.port}") as stranger:
            with pytest.raises(redis.AuthenticationError):
                await stranger.get("kept")


async def test_every_test_gets_databases_of_its_own(postgres: PostgresServer, valkey: ValkeyServer) -> None:
    first, second = await postgres.empty(), await postgres.empty()
    await fetch(first, "CREATE TABLE mine AS SELECT 1")
    assert await fetch(second, "SELECT to_regclass('mine')") is None
    assert valkey.empty() != valkey.empty()
