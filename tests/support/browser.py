"""What a person does with the dashboard in a browser."""

from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request

from tests.support.system import System

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse battery staple"
# Refusals that a page asks for on purpose are logged by the browser itself.
EXPECTED = ("Failed to load resource: the server responded with a status of 4",)


class Visitor:
    """A page of a running system; `complaints` are console errors and requests to other origins."""

    def __init__(self, page: Page, system: System) -> None:
        self.page = page
        self.system = system
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._requested)

    async def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Log in through the form and wait for the first screen."""
        await self.page.goto("/login")
        await self.page.locator("input[type=email]").fill(email)
        await self.page.locator("input[autocomplete=current-password]").fill(password)
        await self.page.locator("button[type=submit]").click()
        await self.page.wait_for_url(lambda url: "/login" not in url)

    async def log_in_as_admin(self) -> None:
        """The administrator that the first start made."""
        await self.log_in("admin@pok.example", self.system.password)

    async def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA, one line each."""
        await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate(
            "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        )
        return [
            f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.system.address, "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")
