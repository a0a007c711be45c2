"""The dashboard in Debian's Chromium, served by a running system."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from runtime.stack import web
from tests.support.browser import ARGUMENTS, Visitor
from tests.support.system import System


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if "e2e/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for the session."""
    found = shutil.which("chromium")
    assert found, "These tests need Chromium. On Debian: sudo apt install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session", autouse=True)
def built_dashboard() -> None:
    """Built before the edge starts, which reads it once."""
    assert web.main() == 0


@pytest.fixture
async def visitor(chromium: Browser, system: System, request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    """Somebody with a browser of their own, whose context an indirect parameter may set.

    The test fails for whatever the page writes to its console as an error, and for requests to other origins.
    """
    options: dict[str, Any] = {"locale": "es-ES", "reduced_motion": "reduce", **getattr(request, "param", {})}
    context = await chromium.new_context(base_url=system.address, **options)
    someone = Visitor(await context.new_page(), system)
    yield someone
    await context.close()
    assert not someone.complaints, someone.complaints
