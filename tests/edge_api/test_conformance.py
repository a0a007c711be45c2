"""schemathesis finds no difference between the published description and what is served, whoever calls."""

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from edge_api.access import EVERYONE, OPEN
from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.support.document import OPERATIONS
from tests.support.edge import Edge, edge
from tests.support.inquiry import inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
ROLES = sorted(EVERYONE)

Playground = tuple[Edge, Newcomer]


@pytest.fixture
async def playground(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Playground]:
    """An installation that nobody else uses, since some callers may change everything in it."""
    async with (
        inquiry_service(await postgres.migrated(), valkey.empty()) as service,
        edge(f"127.0.0.1:{service.port}") as api,
    ):
        yield api, partial(newcomer_of, service)


async def differences(api: Edge, headers: dict[str, str], folder: Path, *how: str) -> str:
    """What schemathesis reports; empty if it finds nothing."""
    options = [f"--header={name}:{value}" for name, value in headers.items()]
    if headers:  # who calls makes no difference to these
        options += [f"--exclude-operation-id={name}" for name in OPERATIONS.keys() & OPEN]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIGURATION}", "run"),
        *(f"{api.base_url}/api/openapi.json", *options, *how),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return report.decode() if process.returncode else ""


async def test_what_is_served_is_what_is_described(playground: Playground, tmp_path: Path) -> None:
    api, newcomer = playground
    callers = [await newcomer(role) for role in ROLES]
    reports = await asyncio.gather(
        *(differences(api, headers, tmp_path, "--phases=examples,coverage") for headers in callers)
    )
    if any(reports):
        pytest.fail("\n".join(reports))


@pytest.mark.long
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("role", ROLES)
async def test_random_requests_find_no_difference_either(playground: Playground, tmp_path: Path, role: str) -> None:
    api, newcomer = playground
    if report := await differences(api, await newcomer(role), tmp_path, "--max-examples=300"):
        pytest.fail(report)
