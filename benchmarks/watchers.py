"""How soon an event reaches thousands of browsers that listen, and what they cost.

    make up
    .venv/bin/python -m benchmarks.watchers http://127.0.0.1:8000 admin@pok.example PASSWORD

Opens 2,000 streams with one account, creates 20 inquiries one after the other, and measures from sending each until
its event has reached the first, the median and the last listener; then how much memory and, while nothing happens,
time the edge takes for them (only where it runs on this machine). Exits with 1 when an event takes 1 s or longer.
`WATCHERS=500` in the environment opens as many.
"""

import asyncio
import os
import resource
import statistics
import sys
import time
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.processes import family, seconds_of
from benchmarks.report import Figures, machine

WATCHERS = int(os.environ.get("WATCHERS", "2000"))
OPEN_AT_ONCE = 50
EVENTS = 20
IDLE_SECONDS = 20
LONGEST = 1.0
KEPT = 256
"""Bytes of what was read before that are searched again, since an id may come in two pieces."""

REQUEST = "GET /api/events/stream/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"


class Arrivals:
    """When what the listeners look for reached each of them."""

    def __init__(self) -> None:
        self.wanted = b"event: ready"
        self.round = 0
        self.times: list[float] = []
        self.lost = 0
        self.all_in = asyncio.Event()

    def expect(self, wanted: bytes) -> None:
        """Look for something else from now on."""
        self.wanted, self.times = wanted, []
        self.round += 1
        self.all_in.clear()

    def note(self) -> None:
        """One more has it."""
        self.times.append(time.perf_counter())
        if len(self.times) == WATCHERS:
            self.all_in.set()


class Listener(asyncio.Protocol):
    """One browser, as cheap as can be, since it shares the machine with what it measures."""

    def __init__(self, arrivals: Arrivals, request: bytes) -> None:
        self._arrivals = arrivals
        self._request = request
        self._rest = b""
        self._round = 0
        self._found = False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._round != self._arrivals.round:
            self._round, self._found, self._rest = self._arrivals.round, False, b""
        seen = self._rest + data
        if not self._found and self._arrivals.wanted in seen:
            self._found = True
            self._arrivals.note()
            if not self.ready.done():
                self.ready.set_result(None)
        self._rest = seen[-KEPT:]

    def connection_lost(self, _error: Exception | None) -> None:
        self._arrivals.lost += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(self._rest.decode(errors="replace")))


def edge_processes(port: int) -> list[psutil.Process]:
    """The processes of the edge behind a port, if it runs here and may be looked at."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "edge_api" in (process.info["cmdline"] or [])
        for child in [process, *process.children()]
        if any(connection.laddr.port == port for connection in child.net_connections("tcp"))
    ][:1]


def cost(processes: list[psutil.Process]) -> tuple[int, float]:
    """Resident bytes and processor seconds so far, children included."""
    resident = sum(one.memory_info().rss for process in processes for one in family(process))
    return resident, sum(map(seconds_of, processes))


async def open_all(host: str, port: int, token: str, arrivals: Arrivals) -> None:
    """Connect every listener and wait until each is told that it misses nothing any more."""
    loop = asyncio.get_running_loop()
    request = REQUEST.format(host=host, token=token).encode()
    places = asyncio.Semaphore(OPEN_AT_ONCE)

    async def connect() -> None:
        async with places:
            _, listener = await loop.create_connection(lambda: Listener(arrivals, request), host, port)
            await listener.ready

    await asyncio.gather(*(connect() for _ in range(WATCHERS)))


async def measure(client: httpx.AsyncClient, arrivals: Arrivals) -> Figures:
    """Create inquiries; how long their events took."""
    to_first, to_median, to_last = [], [], []
    for number in range(EVENTS):
        # The id is not known before the answer, which may come after the event: the kind is, and nothing else happens.
        arrivals.expect(b'"kind":"inquiry_created","version":1')
        began = time.perf_counter()
        body = {
            "customer_name": "Ana Ruiz",
            "customer_email": "ana@example.org",
            "subject": f"Cobro doble {number}",
            "message": "Me han cobrado dos veces el pedido.",
        }
        (await client.post("/api/inquiries/create/", json=body)).raise_for_status()
        async with asyncio.timeout(30):
            await arrivals.all_in.wait()
        taken = sorted(arrived - began for arrived in arrivals.times)
        to_first.append(taken[0])
        to_median.append(statistics.median(taken))
        to_last.append(taken[-1])
        arrivals.expect(b"nothing")
        await asyncio.sleep(1)  # until its triage is over as well
    times = {"first": to_first, "median": to_median, "last": to_last}
    typical = {f"to the {name} listener ms": statistics.median(taken) * 1000 for name, taken in times.items()}
    return {**typical, "longest ms": max(to_last) * 1000}


async def watched(address: str, email: str, password: str) -> Figures:
    """Open all listeners and measure."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url = urlsplit(address)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        login = await client.post("/api/token/", json={"email": email, "password": password})
        token = login.raise_for_status().json()["access"]
        client.headers["Authorization"] = f"Bearer {token}"
        arrivals = Arrivals()
        processes = edge_processes(port)
        before, _ = cost(processes)
        began = time.perf_counter()
        await open_all(host, port, token, arrivals)
        figures = {"opened s": time.perf_counter() - began, **await measure(client, arrivals)}
        after, spent = cost(processes)
        if processes:
            await asyncio.sleep(IDLE_SECONDS)
            figures["edge MB"] = after / 2**20
            figures["edge KB per listener"] = (after - before) / WATCHERS / 1024
            figures["% of a processor while nothing happens"] = 100 * (cost(processes)[1] - spent) / IDLE_SECONDS
        return {**figures, "streams that broke": arrivals.lost}


async def main(address: str, email: str, password: str) -> int:
    """Measure; return the exit status."""
    print(f"{machine()}; {WATCHERS} listeners on {address}")
    figures = await watched(address, email, password)
    for name, value in figures.items():
        print(f"{name}: {value:.1f}")
    return 0 if figures["longest ms"] < LONGEST * 1000 and not figures["streams that broke"] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
