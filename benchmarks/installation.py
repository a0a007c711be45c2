"""POK as it is measured: as `make up` runs it, without rate limits, in front of a provider that takes a known time.

    .venv/bin/python -m benchmarks.installation FOLDER [ROWS]

runs one until Ctrl-C, with that many inquiries of made-up customers in it, and writes into FOLDER what tools from
elsewhere need: `target.json` says where it is and how to log in, `pids/` holds the process ids, and `ai_milliseconds`
may be written to say how long the AI takes.
"""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from benchmarks import load
from benchmarks.processes import Processes
from benchmarks.provider import Provider, provider
from runtime.stack.installation import ADMIN
from tests.support.system import System, running_system

AI = "ai_milliseconds"
AT_ONCE = "1000"
"""Calls that the provider is sent at once at most: as many as workers ask for."""


class Installation:
    """A running one; `provider` stands for the AI unless the embedded model was asked for."""

    def __init__(self, system: System, provider: Provider) -> None:
        self.system = system
        self.provider = provider
        self.processes = Processes(system.running.process.pid)

    @property
    def address(self) -> str:
        """Of its edge."""
        return self.system.address

    def seconds(self) -> dict[str, float]:
        """Seconds of a processor so far, by process."""
        return self.processes.seconds()


async def filled(system: System, rows: int) -> None:
    """Make it hold so many inquiries of made-up customers, all of them found by searches; statistics leave them out.

    The service would make the statistics of all this meanwhile, which nothing of what is measured shows.
    """
    url = system.database_url()
    await load.main(url, rows)
    owner = await asyncpg.connect(url)
    try:
        await owner.execute(load.READ.replace("'search'", "'statistics'"))
    finally:
        await owner.close()


@contextlib.asynccontextmanager
async def fresh(*, embedded: bool = False, **environment: str) -> AsyncIterator[Installation]:
    """Run one in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), embedded=embedded, **environment) as running:
            yield running


@contextlib.asynccontextmanager
async def installation(folder: Path, *, embedded: bool = False, **environment: str) -> AsyncIterator[Installation]:
    """Run one in an empty folder; `environment` is what an operator would set."""
    async with provider(folder / AI) as ai:
        openai = {"POK_OPENAI_BASE_URL": ai.address, "POK_OPENAI_MODEL": "stub-1", "POK_OPENAI_AT_ONCE": AT_ONCE}
        chosen = {"POK_ENV": "development", **({} if embedded else openai), **environment}
        async with running_system(folder, **chosen) as system:
            yield Installation(system, ai)


async def serve(folder: Path, rows: int) -> None:
    """Run one for others."""
    async with installation(folder) as running:
        await filled(running.system, rows)
        describe(running, folder)
        print(f"POK runs on {running.system.address}; {folder}/target.json says the rest. Ctrl-C ends it.", flush=True)
        await asyncio.Event().wait()


def describe(running: Installation, folder: Path) -> None:
    """Write down where it is and what it consists of."""
    (folder / "pids").mkdir()
    for name, process in running.processes.by_name.items():
        (folder / "pids" / f"{name}.pid").write_text(str(process.pid))
    system = running.system
    login = {"base": system.address, "user": ADMIN, "password": system.password}
    (folder / "target.json").write_text(json.dumps({**login, "database": system.database_url()}))


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python -m benchmarks.installation FOLDER [ROWS]")
    Path(sys.argv[1]).mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended in whatever way, it leaves nothing running
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0))
