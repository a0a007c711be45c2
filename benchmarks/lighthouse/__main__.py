"""What Lighthouse says of the dashboard: `make lighthouse`. Needs Chromium, and the npm registry once.

Starts POK as `make up` does with every eighth inquiry of the demo, in a folder that is thrown away, and prints the
scores. Exits with 1 unless accessibility is 1.0 everywhere; speed is reported only, since it depends on the machine.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from inquiry_service.demo.command import fill
from inquiry_service.storage.database import Database
from runtime.stack.web import tools
from tests.support.browser import ARGUMENTS, Visitor
from tests.support.servers import free_ports
from tests.support.system import System, running_system

HERE = Path(__file__).parent
SCREENS = ("/login", "/contact", "/inbox")
CATEGORIES = ("performance", "accessibility", "best-practices")


async def main() -> int:
    """Report; return the exit status."""
    node, npm = tools()
    if not (HERE / "node_modules").exists():
        await _run(node, npm, "ci", "--prefix", HERE)
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder)) as system:
            database = Database(system.database_url(), size=2)
            await database.open()
            await fill(database, anyway=False, every=8)
            await database.close()
            return await _reported(node, system, Path(folder))


async def _reported(node: Path, system: System, folder: Path) -> int:
    port = free_ports(1)
    async with async_playwright() as playwright:
        # Lighthouse drives the same browser, in whose own profile somebody is logged in.
        context = await playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=shutil.which("chromium"),
            args=[*ARGUMENTS, f"--remote-debugging-port={port}"],
            base_url=system.address,
        )
        accessible = True
        for screen in SCREENS:
            if screen == "/inbox":
                await Visitor(context.pages[0], system, system.address).log_in_as_admin()
                await context.pages[0].goto("about:blank")
            scores = await _scores(node, f"{system.address}{screen}", port, folder / "report.json")
            accessible &= scores["accessibility"] == 1
            print(f"{screen:10}", ", ".join(f"{name} {score:.2f}" for name, score in scores.items()))
        await context.close()
    return 0 if accessible else 1


async def _scores(node: Path, address: str, port: int, report: Path) -> dict[str, float]:
    await _run(
        *(node, HERE / "node_modules" / "lighthouse" / "cli" / "index.js", address, "--quiet", "--preset=desktop"),
        *(f"--port={port}", "--disable-storage-reset", f"--only-categories={','.join(CATEGORIES)}"),
        *("--output=json", f"--output-path={report}"),
    )
    return _read(address, report)


def _read(address: str, report: Path) -> dict[str, float]:
    said: dict[str, Any] = json.loads(report.read_text())
    categories = said["categories"]
    for name in ("accessibility", "best-practices"):
        wanting = [one["id"] for one in categories[name]["auditRefs"] if said["audits"][one["id"]]["score"] == 0]
        if wanting:
            print(f"  {name} of {address}: {', '.join(wanting)}")
    return {name: categories[name]["score"] for name in CATEGORIES}


async def _run(*command: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env={**os.environ, "NODE_NO_WARNINGS": "1", "CI": "1"}
    )
    if await process.wait():
        raise SystemExit(f"{command[1]} failed")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
