"""The real system as processes that a test kills, freezes and starts again, with a proxy on any link between two."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import msgspec
import psutil
from redis.asyncio import Redis

from runtime.stack.folder import DataFolder
from runtime.stack.installation import ADMIN, Installation
from runtime.stack.logs import Log
from runtime.stack.process import Child, Process
from runtime.stack.services import Ports
from runtime.stack.up import STOP_ORDER
from tests.support.servers import free_ports, scratch_folder
from tests.support.tcp_proxy import TcpProxy

ADDRESSES = {
    "postgres": "POK_DATABASE_URL",
    "valkey": "POK_REDIS_URL",
    "inquiry": "POK_INQUIRY_ADDRESS",
    "ai": "POK_AI_ADDRESS",
    "provider": "POK_OPENAI_BASE_URL",
}
"""Who is called → the variable that says where it is."""

GRACE = 30.0
"""Seconds that a process has to end after it was asked to."""


class Link(NamedTuple):
    """Who calls whom."""

    caller: str
    called: str


class Member:
    """One process. Nobody but the test starts it again, so that an end that no test asked for is a finding."""

    def __init__(self, process: Process, logs: Path) -> None:
        self.process = process
        self.name = process.name
        self.log = Log(logs / f"{process.name}.log")
        self._child: Child | None = None

    @property
    def runs(self) -> bool:
        """Whether it is there at all."""
        return self._child is not None and not self._child.exit.done()

    @property
    def pid(self) -> int:
        """Its process id, also after its end."""
        assert self._child
        return self._child.pid

    async def start(self) -> None:
        """Start it; it is ready afterwards."""
        self._child = await Child.start(self.process, self.log)
        await self._child.until_ready()

    async def kill(self) -> None:
        """kill -9; what it had started is gone too."""
        assert self._child
        family = psutil.Process(self.pid).children(recursive=True)
        os.kill(self.pid, signal.SIGKILL)
        await self._child.exit
        await asyncio.to_thread(psutil.wait_procs, family, timeout=10)

    async def restart(self, down: float = 0.0) -> None:
        """kill -9, and start it again after `down` seconds."""
        await self.kill()
        await asyncio.sleep(down)
        await self.start()

    def freeze(self) -> None:
        """SIGSTOP: it holds all it has, and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        if self._child is None:
            return 0
        await self._child.stop(GRACE)
        return self._child.exit.result()

    def _signal(self, number: signal.Signals) -> None:
        for process in (psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)):
            process.send_signal(number)


class Cluster:
    """`members` by name: postgres, valkey, inquiry, ai, worker, edge, and the replicas inquiry-2, worker-2, …"""

    def __init__(self, installation: Installation, ports: Ports, members: Iterable[Member]) -> None:
        self.ports = ports
        self.members = {member.name: member for member in members}
        self.links: dict[Link, TcpProxy] = {}
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports.edge}", timeout=20)
        self._installation = installation

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    @property
    def redis_url(self) -> str:
        """Valkey, without any proxy."""
        url = self["worker"].process.environment["POK_REDIS_URL"]
        return f"{url.rpartition(':')[0]}:{self.ports.valkey}/0"

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Ask the database directly, as its owner."""
        owner = self["migrate"].process.environment["POK_MIGRATION_DATABASE_URL"]
        connection = await asyncpg.connect(owner, timeout=10)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values, timeout=30)
        finally:
            await connection.close()
        return rows

    @contextlib.asynccontextmanager
    async def valkey(self) -> AsyncIterator[Redis]:
        """Talk to Valkey directly."""
        async with Redis.from_url(self.redis_url, socket_timeout=10) as redis:
            yield redis

    async def start(self, *, without: Iterable[str] = ()) -> None:
        """Start every member but those `without`, those that others lean on first; sign `http` in as an admin."""
        wanted = [member for name, member in self.members.items() if name not in without]
        servers = [member for member in wanted if member.name in ("postgres", "valkey")]
        services = [member for member in wanted if member not in servers and member.name != "migrate"]
        await asyncio.gather(*(member.start() for member in servers))
        await self["migrate"].start()
        await asyncio.gather(*(member.start() for member in services))
        password = await self._installation.make_admin()
        answer = await self.http.post("/api/token/", json={"email": ADMIN, "password": password})
        self.http.headers["authorization"] = f"Bearer {answer.raise_for_status().json()['access']}"

    def confess(self) -> None:
        """Print what the members have logged as errors, and how they ended, before their logs are thrown away."""
        for member in self.members.values():
            lines = member.log.path.read_text(errors="replace").splitlines()
            errors = [line for line in lines if '"level": "error"' in line][-10:]
            last_words = [] if member.runs or member.process.once else member.log.last_lines(60)
            sys.stdout.writelines(f"{member.name}: {line}\n" for line in (*errors, *last_words))

    async def stop(self) -> None:
        """Stop what runs, edge first."""
        await self.http.aclose()
        order = [*STOP_ORDER, *(name for name in self.members if name not in STOP_ORDER)]
        replicas = [name for name in order if "-" in name]
        for name in (*replicas, *(name for name in order if "-" not in name)):
            if (member := self[name]).runs:
                member.thaw()
                await member.stop()
            member.log.close()
        for proxy in self.links.values():
            await proxy.stop()


@contextlib.asynccontextmanager
async def cluster(
    *links: tuple[str, str], workers: int = 1, inquiries: int = 1, **environ: str
) -> AsyncIterator[Cluster]:
    """A system that is not started yet, with a proxy on each of the links; it is stopped and thrown away afterwards.

    `environ` is what an operator would set, such as POK_LEASE_SECONDS.
    """
    with scratch_folder() as folder:
        data = DataFolder.open(folder / "data", "a test")
        first = free_ports(4 + max(1, inquiries))
        usual = {"POK_RATE_LIMITS": "off", **os.environ, **environ}
        installation = Installation(data, "127.0.0.1", first, usual)
        ports = Ports.after(first)
        processes = {process.name: process for process in installation.processes()}
        proxies = {Link(*link): TcpProxy(_port(link[1], ports, environ)) for link in links}
        for proxy in proxies.values():
            await proxy.start()
        listeners = [ports.inquiry, *range(first + 5, first + 4 + inquiries)]
        everywhere = {}
        if inquiries > 1:
            everywhere["POK_INQUIRY_ADDRESS"] = "ipv4:///" + ",".join(f"127.0.0.1:{port}" for port in listeners)
        members = [
            Member(_changed(process, {**everywhere, **_rerouted(process, proxies)}), data.logs)
            for process in processes.values()
        ]
        originals = {member.name: member.process for member in members}
        for number in range(2, workers + 1):
            named = {"POK_WORKER_NAME": f"worker-{number}"}
            members.append(Member(_changed(originals["worker"], named, f"worker-{number}"), data.logs))
        for number, port in enumerate(listeners[1:], start=2):
            listening = {"POK_INQUIRY_LISTEN": f"127.0.0.1:{port}"}
            members.append(Member(_changed(originals["inquiry"], listening, f"inquiry-{number}"), data.logs))
        running = Cluster(installation, ports, members)
        running.links = proxies
        try:
            yield running
        except BaseException:
            running.confess()
            raise
        finally:
            await running.stop()
            data.close()


def _port(called: str, ports: Ports, environ: Mapping[str, str]) -> int:
    if called == "provider":
        return httpx.URL(environ[ADDRESSES["provider"]]).port or 80
    return int(getattr(ports, called))


def _rerouted(process: Process, proxies: Mapping[Link, TcpProxy]) -> dict[str, str]:
    """The variables of a process that lead through proxies."""
    rerouted = {}
    for (caller, called), proxy in proxies.items():
        variable = ADDRESSES[called]
        if process.name == caller and variable in process.environment:
            url = httpx.URL(process.environment[variable]) if "://" in process.environment[variable] else None
            rerouted[variable] = str(url.copy_with(port=proxy.port)) if url else f"127.0.0.1:{proxy.port}"
    return rerouted


def _changed(process: Process, environment: Mapping[str, str], name: str = "") -> Process:
    merged = {**process.environment, **environment}
    return msgspec.structs.replace(process, name=name or process.name, environment=merged)
