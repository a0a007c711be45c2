"""How fast inquiries are imported and exported, and that memory does not grow with the file.

    .venv/bin/python -m benchmarks.transfer [ROWS]

Starts POK as `make up` does, in a folder that is thrown away, and imports that many rows (100,000 unless said
otherwise) of Spanish text as CSV, then exports them. Prints rates, processor time per row and the growth of memory.
Exits with 1 when fewer than 5,000 rows are stored in a second, or a process grows by more than 64 MB.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.processes import MEGABYTE, Processes, family
from tests.support.system import System, running_system

ROWS = 100_000
LEAST_RATE = 5_000
MOST_GROWTH = 64
PIECE = 200
"""Rows that are sent at once."""

HEADER = "external_id,customer_name,customer_email,subject,message,status,category,language,tags,create_time\n"
MESSAGE = (
    "Hola, me han cobrado dos veces el pedido A-{number} y nadie me responde desde el lunes. "
    '""Gracias por su compra"", dice el correo.\nEspero su respuesta; si no, cancelo la suscripción.'
)
ROW = (
    "bench-{number},Ana Pérez,ana{number}@example.com,Cobro duplicado,"
    f'"{MESSAGE}",resolved,billing_payment,es,vip;2025,2025-{{month:02}}-{{day:02}}T09:30:00Z\n'
)
TIMEOUT = httpx.Timeout(600, connect=10)


class Usage(NamedTuple):
    """What a process has used: seconds of processor time, bytes of memory at most."""

    seconds: float
    memory: int


async def file(rows: int) -> AsyncIterator[bytes]:
    """The rows as CSV."""
    yield HEADER.encode()
    for start in range(0, rows, PIECE):
        numbers = range(start, min(start + PIECE, rows))
        yield "".join(ROW.format(number=n, month=n % 12 + 1, day=n % 28 + 1) for n in numbers).encode()


class Meter:
    """Watches the processes of an installation."""

    def __init__(self, system: System) -> None:
        self._parts = {name: family(root) for name, root in Processes(system.running.process.pid).by_name.items()}
        self._most = dict.fromkeys(self._parts, 0)

    async def watch(self) -> None:
        """Look at the memory until cancelled."""
        while True:
            for name, usage in self.usage().items():
                self._most[name] = max(self._most[name], usage.memory)
            await asyncio.sleep(0.1)

    def usage(self) -> Mapping[str, Usage]:
        """By process with its children; memory is the highest seen so far."""
        used = {}
        for name, processes in self._parts.items():
            alive = [process for process in processes if process.is_running()]
            memory = sum(process.memory_info().rss for process in alive)
            times = [process.cpu_times() for process in alive]
            used[name] = Usage(sum(each.user + each.system for each in times), max(memory, self._most[name]))
        return used


async def main(rows: int) -> int:
    """Measure; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder), POK_ENV="development") as system:
            meter = Meter(system)
            before = meter.usage()
            watching = asyncio.create_task(meter.watch())
            began = time.perf_counter()
            answer = await system.http.post(
                "/api/inquiries/import/", content=file(rows), headers={"Content-Type": "text/csv"}, timeout=TIMEOUT
            )
            rate = rows / (time.perf_counter() - began)
            watching.cancel()
            if answer.raise_for_status().json() != {"imported": rows, "repeated": 0, "rejected": []}:
                sys.exit(f"not all rows were imported: {answer.text[:200]}")
            growth = _print_usage(before, meter.usage(), rows)
            print(f"imported {rows:,} rows: {rate:,.0f} rows/s")
            print(f"exported {rows:,} rows: {rows / await _seconds_of_an_export(system):,.0f} rows/s")
    return 0 if rate >= LEAST_RATE and growth <= MOST_GROWTH else 1


def _print_usage(before: Mapping[str, Usage], after: Mapping[str, Usage], rows: int) -> float:
    growths = []
    for name, used in after.items():
        milliseconds = 1000 * (used.seconds - before[name].seconds) / rows
        growth = (used.memory - before[name].memory) / MEGABYTE
        print(
            f"{name:16} {milliseconds:6.3f} ms of processor per row, {used.memory / MEGABYTE:5.0f} MB, {growth:+.0f} MB"
        )
        if name in {"edge_api", "inquiry_service"}:  # PostgreSQL's shared memory fills up once, whatever it does
            growths.append(growth)
    return max(growths)


async def _seconds_of_an_export(system: System) -> float:
    began = time.perf_counter()
    async with system.http.stream("GET", "/api/inquiries/export/", timeout=TIMEOUT) as answer:
        async for _ in answer.raise_for_status().aiter_bytes():
            pass
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else ROWS)))
