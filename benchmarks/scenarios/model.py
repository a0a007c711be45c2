"""The embedded model alone, in this process: no network, no database, one message at a time and many."""

import asyncio
import time
from collections.abc import AsyncIterator

import psutil

from ai_service.analysis import Author, Category, Inquiry, Taxonomy, Turn
from ai_service.providers.embedded import EmbeddedProvider, loaded
from benchmarks.measuring import Options
from benchmarks.processes import seconds_of
from benchmarks.report import CPU, RATE, Figures, Result, medians
from benchmarks.texts import Writer

AT_ONCE = (1, 32)
PATIENCE = 60.0


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    writer = Writer()
    written = [writer.inquiry(number) for number in range(500)]
    keys = sorted({one.category for one in written})
    taxonomy = Taxonomy(1, tuple(Category(key, key, key.replace("_", " "), "") for key in keys))
    inquiries = [Inquiry(one.name, one.subject, (Turn(Author.CUSTOMER, one.message),)) for one in written]
    async with loaded() as provider:
        for at_once in AT_ONCE:
            await _round(provider, taxonomy, inquiries[:at_once], at_once)
            rounds = [await _round(provider, taxonomy, inquiries, at_once) for _ in range(options.rounds)]
            figures = medians(rounds)
            cpu = {"this process": figures.pop(CPU)}
            yield Result("embedded model", f"{at_once} at once", figures, cpu)


async def _round(provider: EmbeddedProvider, taxonomy: Taxonomy, inquiries: list[Inquiry], at_once: int) -> Figures:
    waiting = iter(inquiries)

    async def work() -> None:
        for inquiry in waiting:
            await provider.analyze(inquiry, taxonomy, timeout=PATIENCE)

    me = psutil.Process()  # with the encoder's
    began, used = time.perf_counter(), seconds_of(me)
    await asyncio.gather(*(work() for _ in range(at_once)))
    seconds = time.perf_counter() - began
    return {RATE: len(inquiries) / seconds, CPU: 1000 * (seconds_of(me) - used) / len(inquiries)}
