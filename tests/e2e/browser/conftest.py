"""The dashboard in Debian's Chromium, served by a running system."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from runtime.stack import web
from tests.support.browser import ARGUMENTS, Arrive, Visitor, chromium_path
from tests.support.system import System

# Only what fails waits so long; machines that do other work as well are slow.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if "e2e/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for the session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session", autouse=True)
def built_dashboard() -> None:
    """Built before the edge starts, which reads it once."""
    assert web.main() == 0


@pytest.fixture
async def arrive(chromium: Browser, system: System) -> AsyncIterator[Arrive]:
    """Opens a browser of their own for each of the people of a test; takes options of its context.

    The test fails for whatever their pages write to the console as an error, and for requests to other origins.
    """
    everybody = []
    await system.sign_in()  # the token lasts for 15 minutes, and all tests together may last longer

    async def open_one(**options: Any) -> Visitor:
        options = {"locale": "es-ES", "reduced_motion": "reduce", "base_url": system.address, **options}
        context = await chromium.new_context(**options)
        everybody.append(Visitor(await context.new_page(), system, options["base_url"]))
        return everybody[-1]

    yield open_one
    for someone in everybody:
        await someone.page.context.close()
    assert not [complaint for someone in everybody for complaint in someone.complaints]


@pytest.fixture
async def visitor(arrive: Arrive, request: pytest.FixtureRequest) -> Visitor:
    """Somebody with a browser, whose context an indirect parameter may set."""
    return await arrive(**getattr(request, "param", {}))
