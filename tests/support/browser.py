"""What a person does with the dashboard in a browser."""

import shutil
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request

from tests.support.system import System

# What a computer of the local network would be: an address from which browsers keep no cookies and lend no locks.
ELSEWHERE = "pok.test"

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"),
]
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse battery staple"
# Logged by the browser: refusals that a page asks for on purpose, and a header that counts only over TLS. By Nuxt:
# that no page has an address.
EXPECTED = (
    "Failed to load resource: the server responded with a status of 4",
    "The Cross-Origin-Opener-Policy header",
    "[NUXT_E1005]",
)


def chromium_path() -> str:
    """Where Debian's Chromium is."""
    found = shutil.which("chromium")
    assert found, "This needs Chromium. On Debian: sudo apt install chromium"
    return found


class Visitor:
    """A page of a running system; `complaints` are console errors and requests to other origins."""

    def __init__(self, page: Page, system: System, address: str) -> None:
        self.page = page
        self.system = system
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._requested)

    async def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Log in through the form, without a pointer that would rest on something, and wait for the first screen."""
        await self.page.goto("/login")
        await self.page.locator("input[type=email]").fill(email)
        await self.page.locator("input[autocomplete=current-password]").fill(password)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url(lambda url: "/login" not in url)

    async def log_in_as_admin(self) -> None:
        """The administrator that the first start made."""
        await self.log_in("admin@pok.example", self.system.password)

    async def log_in_as_agent(self, name: str, language: str = "es") -> str:
        """A new member of support, whose address is returned."""
        email = f"{uuid.uuid4().hex[:8]}@example.org"
        body = {"email": email, "name": name, "role": "support", "password": PASSWORD, "language": language}
        (await self.system.http.post("/api/users/", json=body)).raise_for_status()
        await self.log_in(email)
        return email

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
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")


Arrive = Callable[..., Awaitable[Visitor]]
