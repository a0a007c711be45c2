"""What the same machine does with less in the way: PostgreSQL with the same statements, HTTP with no work behind it."""

import asyncio
import contextlib
import os
import re
import resource
import signal
import sys
import tempfile
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import psutil

from benchmarks.client import Request, load
from benchmarks.installation import Installation
from benchmarks.processes import seconds_of
from benchmarks.report import Figures
from runtime.stack.wheels import postgres_binary
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import free_ports
from tests.support.statements import statements

MOST_CLIENTS = 16
"""Of pgbench: more mostly wait for each other."""

NO_VALKEY = "redis://127.0.0.1:1"


async def asked(running: Installation, call: Callable[[Service], Awaitable[Any]]) -> list[str]:
    """The statements of one call of the inquiry service, with their values, as an agent makes it."""
    system = running.system
    log = system.stack.data / "logs" / "postgres.log"
    async with statements(system.admin_url(), log) as entries:
        others = frozenset(await _connections(system.admin_url()))
        async with inquiry_service(system.service_url(), NO_VALKEY) as service:
            await service.rest()
            act_as("support")
            await call(service)  # learns the types that the next one knows
            await entries.restart()
            await call(service)
            return [one.literal for one in await entries.asked(but_by=others)]


async def _connections(admin_url: str) -> Sequence[int]:
    admin = await asyncpg.connect(admin_url)
    try:
        return [row["pid"] for row in await admin.fetch("select pid from pg_stat_activity")]
    finally:
        await admin.close()


async def pgbench(running: Installation, script: Sequence[str], connections: int, seconds: float) -> Figures:
    """The same statements as fast as PostgreSQL's own tool sends them; its processor time counts, too."""
    url = urllib.parse.urlsplit(running.system.service_url())
    where = {"PGHOST": str(url.hostname), "PGPORT": str(url.port), "PGUSER": str(url.username)}
    session = {"PGPASSWORD": str(url.password), "PGOPTIONS": "-c random_page_cost=1.1 -c jit=off"}
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("".join(f"{statement};\n" for statement in script))
        file.flush()
        command = (str(postgres_binary("pgbench")), "-n", "-M", "prepared", "-f", file.name)
        before = _children() + running.processes.seconds()["postgres"]
        process = await asyncio.create_subprocess_exec(
            *command,
            *("-c", str(min(connections, MOST_CLIENTS)), "-T", str(max(2, round(seconds))), url.path[1:]),
            env={**os.environ, **where, **session},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        used = _children() + running.processes.seconds()["postgres"] - before
    rate = re.search(r"tps = ([\d.]+)", said)
    done = re.search(r"transactions actually processed: (\d+)", said)
    if not rate or not done or not int(done[1]):
        sys.exit(f"pgbench failed: {said}")
    return {"pgbench per second": float(rate[1]), "pgbench CPU ms": 1000 * used / int(done[1])}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def bare(request: Request, connections: int, seconds: float) -> Figures:
    """A handler that does nothing, on the same HTTP server, asked by the same client."""
    port = free_ports()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.bare", str(port))
    try:
        await _listening(port)
        found = psutil.Process(process.pid)
        before = seconds_of(found)
        done = await load(f"http://127.0.0.1:{port}", lambda _: request, connections, seconds=seconds)
        used = seconds_of(found) - before
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()
    return {"bare HTTP per second": done.rate, "bare HTTP CPU ms": 1000 * used / len(done.answers)}


async def _listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                return
            await asyncio.sleep(0.05)
