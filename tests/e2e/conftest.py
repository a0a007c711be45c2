"""One running system for all end-to-end tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.system import System, running_system


@pytest.fixture(scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The whole system, started once; tests leave each other's inquiries alone."""
    async with running_system(tmp_path_factory.mktemp("system")) as running:
        yield running
