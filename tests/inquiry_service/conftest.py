"""A running inquiry service for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.analysis_stub import AnalysisStub
from tests.support.inquiry import Service, act_as, inquiry_service


@pytest.fixture
async def analysis() -> AsyncIterator[AnalysisStub]:
    """An AI service that does what the test tells it; the inquiry service of the test asks it."""
    stub = AnalysisStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def service(database_url: str, redis_url: str, analysis: AnalysisStub) -> AsyncIterator[Service]:
    """The service on a database of its own; the test calls as support unless it says otherwise."""
    act_as("support")
    async with inquiry_service(database_url, redis_url, lease_seconds=30, ai_address=analysis.address) as running:
        yield running
