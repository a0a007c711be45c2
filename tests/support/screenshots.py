"""Takes the screenshots that README shows: `make screenshots`.

Starts a system with `pok demo`, looks at it with Debian's Chromium, and writes `docs/screenshots/`.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, Page, async_playwright

from inquiry_service.demo.command import fill
from inquiry_service.storage.database import Database
from runtime.stack.install import ROOT
from tests.support.browser import ARGUMENTS, Visitor
from tests.support.system import System, running_system

FOLDER = ROOT / "docs" / "screenshots"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


class Shot(NamedTuple):
    """One picture; `{detail}` and `{track}` in its path stand for what the demo has."""

    name: str
    path: str
    theme: str = "light"
    viewport: dict[str, int] = WIDE
    locale: str = "es-ES"


SHOTS = (
    Shot("inbox-light", "{detail}"),
    Shot("inbox-dark", "{detail}", "dark", locale="en-GB"),
    Shot("analytics-light", "/analytics", locale="en-GB"),
    Shot("analytics-dark", "/analytics", "dark"),
    Shot("phone-inbox", "/inbox", "dark", PHONE),
    Shot("phone-detail", "{detail}", "light", PHONE),
    Shot("contact", "/contact", locale="en-GB"),
    Shot("tracking", "{track}", viewport=PHONE),
)


async def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder)) as system, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            places = {"detail": await _worth_opening(system), "track": await _tracked(system)}
            for shot in SHOTS:
                await _take(browser, system, shot, shot.path.format(**places))
            await browser.close()


async def _take(browser: Browser, system: System, shot: Shot, path: str) -> None:
    options: dict[str, Any] = {"color_scheme": shot.theme, "viewport": shot.viewport, "locale": shot.locale}
    context = await browser.new_context(base_url=system.address, reduced_motion="reduce", **options)
    page = await context.new_page()
    if not path.startswith(("/contact", "/track")):
        # Whoever logs in goes on in the language of the account.
        (await system.http.patch("/api/me/", json={"language": shot.locale[:2]})).raise_for_status()
        await Visitor(page, system, system.address).log_in_as_admin()
    await page.goto(path)
    await _settled(page)
    await page.screenshot(path=FOLDER / f"{shot.name}.png")
    await context.close()


async def _settled(page: Page) -> None:
    # The live feed keeps a request open for ever, so that the network never rests: what shows is looked at instead.
    seen = b""
    while seen != (seen := await page.screenshot()):
        await page.wait_for_timeout(1000)


async def _worth_opening(system: System) -> str:
    """Fill the system; an inquiry of it with a conversation and a note."""
    database = Database(system.database_url(), size=2)
    await database.open()
    await fill(database, anyway=False)
    await database.close()
    items = (await system.http.get("/api/inquiries/", params={"status": "open,pending", "page_size": "100"})).json()
    best = await asyncio.gather(*(_talk(system, item["id"]) for item in items["items"]))
    return f"/inbox/{max(best)[1]}"


async def _talk(system: System, inquiry_id: str) -> tuple[bool, str]:
    said = (await system.http.get(f"/api/inquiries/{inquiry_id}/messages/")).json()["items"]
    return {one["kind"] for one in said} >= {"note", "reply"} and len(said) == 3, inquiry_id


async def _tracked(system: System) -> str:
    """The private page of an inquiry that was answered."""
    created = await system.create(
        customer_name="Pilar Sotomayor",
        subject="¿Dónde está mi pedido?",
        message="Pedí la lámpara el lunes y no sé nada.",
    )
    await system.final([created["id"]], seconds=60)
    text = "Hola, Pilar: tu lámpara sale hoy del almacén y llega mañana antes de las 14 h. Gracias por avisarnos."
    reply = {"kind": "reply", "text": text}
    (await system.http.post(f"/api/inquiries/{created['id']}/messages/", json=reply)).raise_for_status()
    return f"/track/{created['reference']}#{created['tracking_token']}"


if __name__ == "__main__":
    asyncio.run(main())
