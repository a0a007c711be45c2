"""What one kind of request costs, over some rounds."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import asyncpg
import msgspec

from benchmarks.client import Answer, Connection, Request, load
from benchmarks.installation import Installation
from benchmarks.report import MEDIAN, RATE, TAIL, Figures, medians

PATIENCE = 600.0
"""Seconds after which whatever is waited for should have happened."""

UNFINISHED = "select exists (select from triage_job where state in ('queued', 'running'))"
ENDED = """select inquiry_id, max(create_time) as at from event
    where inquiry_id = any($1::uuid[]) and kind = 'triage_completed' group by 1"""

Requests = Callable[[int], Request]


class Measured(Protocol):
    """What is sent requests."""

    @property
    def address(self) -> str:
        """Where it listens for HTTP."""

    def seconds(self) -> Figures:
        """Seconds of a processor that it has used so far, by process."""


class Options(msgspec.Struct, frozen=True):
    """How much is measured: `rows` in the largest installation, `seconds` of each round."""

    rows: int
    rounds: int
    seconds: float


def create(number: int) -> Request:
    """A customer's inquiry, each another."""
    body = {
        "customer_name": "Ana Pérez",
        "customer_email": f"ana{number}@example.com",
        "subject": f"Cobro duplicado {number}",
        "message": "Hola, me han cobrado dos veces el pedido A-10023 y nadie me responde desde el lunes. ¿Qué hago?",
    }
    return Request("POST", "/api/inquiries/create/", json.dumps(body).encode())


async def measured(
    running: Measured, requests: Requests, connections: int, options: Options
) -> tuple[Figures, Figures]:
    """Rate and times, and milliseconds of a processor per request by process; in medians of the rounds."""
    await load(running.address, requests, connections, count=3 * connections)
    figures, costs = [], []
    for _ in range(options.rounds):
        before = running.seconds()
        done = await load(running.address, requests, connections, seconds=options.seconds)
        costs.append(per_request(running, before, len(done.answers)))
        figures.append({RATE: done.rate, MEDIAN: 1000 * done.percentile(0.5), TAIL: 1000 * done.percentile(0.99)})
        if wrong := [answer for answer in done.answers if answer.status >= 400]:
            sys.exit(f"{len(wrong)} of {len(done.answers)} failed: {wrong[0].status} {wrong[0].body[:300]!r}")
    return medians(figures), medians(costs)


def per_request(running: Measured, before: Figures, count: int) -> Figures:
    """Milliseconds of a processor since `before`, for each of so many, by process."""
    return {name: 1000 * (now - before[name]) / count for name, now in running.seconds().items()}


@contextlib.contextmanager
def stopped(running: Installation, name: str) -> Iterator[None]:
    """One of the processes does nothing meanwhile."""
    process = running.processes.by_name[name]
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def classified(running: Installation) -> None:
    """Wait until no inquiry waits for its triage."""
    owner = await asyncpg.connect(running.system.database_url())
    try:
        async with asyncio.timeout(PATIENCE):
            while await owner.fetchval(UNFINISHED):  # noqa: ASYNC110 - it is other processes that do it
                await asyncio.sleep(0.05)
    finally:
        await owner.close()


async def classified_at(running: Installation, answers: Sequence[Answer]) -> list[float]:
    """When the triage of each of these new inquiries ended, in seconds since 1970: the database's clock is ours."""
    ids = [json.loads(answer.body)["id"] for answer in answers]
    owner = await asyncpg.connect(running.system.database_url())
    try:
        rows = await owner.fetch(ENDED, ids)
    finally:
        await owner.close()
    times = {str(row["inquiry_id"]): row["at"].timestamp() for row in rows}
    return [times[id_] for id_ in ids]


async def fetched(running: Installation, path: str) -> bytes:
    """What staff gets there."""
    client = Connection(running.system.address)
    await client.open()
    try:
        answer = await client.send(as_staff(running, "GET", path))
    finally:
        client.close()
    if answer.status != 200:
        sys.exit(f"{path} was answered {answer.status}: {answer.body[:300]!r}")
    return answer.body


def as_staff(running: Installation, method: str, path: str, body: bytes = b"") -> Request:
    """A request of a signed-in agent."""
    return Request(method, path, body, f"Authorization: {running.system.http.headers['authorization']}\r\n")
