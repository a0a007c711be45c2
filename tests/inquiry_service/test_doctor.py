"""`pok doctor` on a deployment says what its database and its AI service say."""

import asyncio
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import msgspec
import pytest
from pok.ai.v1 import analysis_pb2

from inquiry_service import doctor as examination
from runtime.findings import Finding
from tests.support.analysis_stub import AnalysisStub
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


@pytest.mark.parametrize(
    ("revision", "advice"), [("0001", "Run `pok migrate`"), ("9999", "Finish the update on this machine")]
)
async def test_schema_of_another_version_is_named(
    postgres: PostgresServer, database_url: str, tmp_path: Path, revision: str, advice: str
) -> None:
    owner = await asyncpg.connect(postgres.as_owner(database_url), timeout=10)
    await owner.execute("update alembic_version set version_num = $1", revision)
    await owner.close()
    status, said = await doctor(tmp_path, POK_DATABASE_URL=database_url)
    assert status == 1
    assert f"at {revision}" in said
    assert advice in said


async def test_worker_of_another_version_is_named(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with inquiry_service(database_url, redis_url) as service:
        await service.sql(
            """insert into worker (name, host, pid, version, concurrency, interval_seconds)
            values ('w1', 'h', 1, '0.0.1', 8, 600)"""
        )
        status, said = await doctor(tmp_path, POK_DATABASE_URL=database_url)
    assert status == 1
    assert "some of version 0.0.1" in said


async def test_provider_that_is_not_asked_any_more_is_named(database_url: str, tmp_path: Path) -> None:
    paid = analysis_pb2.ProviderState(
        model=analysis_pb2.Model(name="gpt-9"), circuit="open", last_failure="provider_rejected"
    )
    ai = AnalysisStub()
    ai.model.paid.CopyFrom(paid)
    await ai.start()
    given = {"POK_SERVICE_TOKEN": str(TOKENS["inquiry"]), "POK_AI_ADDRESS": ai.address}
    status, said = await doctor(tmp_path, POK_DATABASE_URL=database_url, **given)
    await ai.stop()
    assert status == 1
    assert "the circuit of gpt-9 is open (provider_rejected)" in said


async def test_clocks_that_are_apart_are_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("POK_DATABASE_URL", database_url)
    monkeypatch.setattr(examination, "time", SimpleNamespace(time=lambda: time.time() - 60))
    await asyncio.to_thread(examination.main)
    found = msgspec.json.decode(capfdbinary.readouterr().out, type=list[Finding])
    [clocks] = [finding for finding in found if finding.about == "Clocks"]
    assert clocks.state.endswith(" s apart")
    assert "NTP" in clocks.advice
