"""schemathesis finds no difference between the published description and what is served, whoever calls."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from edge_api.access import EVERYONE, OPEN
from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.support.analysis_stub import AnalysisStub
from tests.support.document import OPERATIONS
from tests.support.edge import Edge, edge
from tests.support.inquiry import inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
ROLES = sorted(EVERYONE)

SENDS_THE_CALLER_OUT = ("revoke_sessions", "revoke_session", "update_user", "delete_user")
"""Once one of these has met the caller, every further answer is a refusal: each is tried by somebody of its own."""

NEVER_ENDS = ("stream_events",)
"""Whoever may call it waits for ever; tests/edge_api/test_live.py does it."""

Playground = tuple[Edge, Newcomer]


@pytest.fixture
async def playground(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Playground]:
    """An installation that nobody else uses, since some callers may change everything in it."""
    analysis = AnalysisStub()
    await analysis.start()
    async with (
        inquiry_service(await postgres.migrated(), valkey.empty(), ai_address=analysis.address) as service,
        edge(f"127.0.0.1:{service.port}") as api,
    ):
        yield api, partial(newcomer_of, service)
    await analysis.stop()


async def differences(api: Edge, headers: dict[str, str], folder: Path, *how: str) -> str:
    """What schemathesis reports; empty if it finds nothing."""
    options = [f"--header={name}:{value}" for name, value in headers.items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIGURATION}", "run"),
        *(f"{api.base_url}/api/openapi.json", *options, *how),
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(CONFIGURATION.parent)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return report.decode() if process.returncode else ""


async def tried(playground: Playground, role: str, folder: Path, *how: str) -> str:
    """What is found when somebody of this role calls everything that does not send them out."""
    api, newcomer = playground
    headers = await newcomer(role)
    # Who calls makes no difference to the open ones, and nobody without a token can be sent out.
    left_out = OPERATIONS.keys() & OPEN | {*SENDS_THE_CALLER_OUT, *NEVER_ENDS} if headers else ()
    report = await differences(api, headers, folder, *how, *(f"--exclude-operation-id={name}" for name in left_out))
    if headers and not report:
        (await api.get("/api/me/", headers=headers)).raise_for_status()  # or else most answers were refusals
    return report


@pytest.mark.timeout(400)  # every operation in many ways, on a busy machine
@pytest.mark.parametrize(
    "role", ["anonymous", "admin", *(pytest.param(role, marks=pytest.mark.long) for role in ("user", "support"))]
)
async def test_what_is_served_is_what_is_described(playground: Playground, tmp_path: Path, role: str) -> None:
    if report := await tried(playground, role, tmp_path, "--phases=examples,coverage"):
        pytest.fail(report)


@pytest.mark.long
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("role", ROLES)
async def test_random_requests_find_no_difference_either(playground: Playground, tmp_path: Path, role: str) -> None:
    if report := await tried(playground, role, tmp_path, "--max-examples=300"):
        pytest.fail(report)


@pytest.mark.long
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("name", SENDS_THE_CALLER_OUT)
async def test_nor_do_those_to_what_sends_the_caller_out(playground: Playground, tmp_path: Path, name: str) -> None:
    api, newcomer = playground
    only = f"--include-operation-id={name}"
    if report := await differences(api, await newcomer("admin"), tmp_path, "--max-examples=300", only):
        pytest.fail(report)
