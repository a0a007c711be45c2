"""What fault tests share: the provider that can be told to misbehave, and a plan that can be repeated."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.openai_stub import OpenAIStub
from tests.support.plan import Plan

PATIENCE = 60.0
CONCURRENCY = 32
"""What a worker holds at once, unless told otherwise."""


@pytest.fixture
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Plan:
    """Seed, rounds and inquiries as the command line says."""
    option = request.config.getoption
    return Plan(request.node.name, option("--seed"), option("--rounds"), option("--inquiries"), tmp_path)


@pytest.fixture
async def provider() -> AsyncIterator[OpenAIStub]:
    """An OpenAI-compatible server that counts its calls; `at(provider)` points a system to it."""
    stub = OpenAIStub()
    await stub.start()
    yield stub
    await stub.stop()


async def asked(provider: OpenAIStub, count: int) -> None:
    """Wait until the provider was asked so often."""
    async with asyncio.timeout(PATIENCE):
        while len(provider.requests) < count:  # noqa: ASYNC110 - the stub counts by itself
            await asyncio.sleep(0.02)


def at(provider: OpenAIStub) -> dict[str, Any]:
    """The settings of a system that asks this provider."""
    return {"POK_OPENAI_BASE_URL": provider.base_url, "POK_OPENAI_MODEL": "stub-1", "POK_OPENAI_AT_ONCE": "64"}
