"""How soon an installation is ready, and the memory that it takes: idle, and after it has worked."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

from benchmarks.client import Request, load
from benchmarks.installation import Installation, fresh
from benchmarks.measuring import Options, as_staff, classified, create
from benchmarks.report import Figures, Result, medians

CREATES, READS = 3_000, 3_000
CONNECTIONS = 64
REST = 3.0
"""Seconds after which it is idle."""


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure; a first start makes the database."""
    starts: list[Figures] = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        async with fresh() as running:
            starts.append({"first start s": time.perf_counter() - began})
            if len(starts) == options.rounds:
                await asyncio.sleep(REST)
                yield _memory("idle", running)
                await load(running.address, create, CONNECTIONS, count=CREATES)
                await classified(running)
                await load(running.address, partial(_page, running), CONNECTIONS, count=READS)
                yield _memory(f"after {CREATES:,} creates and {READS:,} pages", running)
    yield Result("start", "all processes, from nothing", medians(starts))


def _page(running: Installation, _number: int) -> Request:
    return as_staff(running, "GET", "/api/inquiries/")


def _memory(case: str, running: Installation) -> Result:
    parts = running.processes.megabytes()
    whole = sum(parts.values())
    totals = {"MB": whole, "MB without the AI service, which holds the model": whole - parts["ai_service"]}
    return Result("memory (PSS)", case, {**totals, **{f"{name} MB": size for name, size in parts.items()}})
