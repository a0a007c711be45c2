"""`pok doctor` on a deployment says what its database and its AI service say."""

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.support.inquiry import inquiry_service
from tests.support.servers import PostgresServer
from tests.support.tokens import TOKENS


async def doctor(folder: Path, **environment: str) -> tuple[int, str]:
    """The exit status of `pok doctor` and what it says."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("POK_")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "runtime.cli", "doctor"],
        env={**inherited, "POK_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_late_work_and_absent_workers_are_named(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with inquiry_service(database_url, redis_url) as service:
        inquiry_id = (await service.create()).inquiry.id
        await service.sql(
            "update triage_job set run_after = now() - interval '10 min' where inquiry_id = $1", inquiry_id
        )
        status, said = await doctor(tmp_path, POK_DATABASE_URL=database_url, POK_REDIS_URL=redis_url)
    assert status == 1
    for expected in ("PostgreSQL 18", "the newest", "the oldest waits 6", "0 alive", "Start one"):
        assert expected in said, said
    assert "POK_DATA_DIR" not in said


async def test_healthy_deployment_is_well(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with inquiry_service(database_url, redis_url) as service:
        await service.sql(
            """insert into worker (name, host, pid, version, concurrency, interval_seconds)
            values ('w1', 'h', 1, $1, 8, 600)""",
            version("pok"),
        )
        file = tmp_path / "database_url"
        file.write_text(database_url)
        status, said = await doctor(tmp_path, POK_DATABASE_URL_FILE=str(file))
    assert status == 0, said
    assert "1 alive" in said
    assert "BAD" not in said


async def test_schema_that_is_missing_is_named(postgres: PostgresServer, tmp_path: Path) -> None:
    url = await postgres.empty()
    status, said = await doctor(tmp_path, POK_DATABASE_URL=url)
    await postgres.drop(url)
    assert status == 1
    assert "Run `pok migrate`" in said


async def test_silent_ai_service_is_named_and_no_secret_is(database_url: str, tmp_path: Path) -> None:
    token = TOKENS["inquiry"]
    given = {"POK_SERVICE_TOKEN": str(token), "POK_AI_ADDRESS": "127.0.0.1:1"}
    status, said = await doctor(tmp_path, POK_DATABASE_URL=database_url, **given)
    assert status == 1
    assert "AI service" in said
    assert "does not answer" in said
    assert token not in said
    assert database_url not in said
