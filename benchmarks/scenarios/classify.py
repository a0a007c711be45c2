"""From the first create to the last result, as fast as it goes: with a provider that takes no time, and embedded."""

from collections.abc import AsyncIterator

from benchmarks.client import load
from benchmarks.installation import Installation, fresh
from benchmarks.measuring import Options, classified, classified_at, create, per_request
from benchmarks.report import RATE, Figures, Result, medians

CONNECTIONS = 16
PER_SECOND = 150
"""Inquiries of a round for each second that it should last at least."""


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    for name, embedded in (("provider at 0 ms", False), ("embedded model", True)):
        async with fresh(embedded=embedded) as running:
            await _round(running, CONNECTIONS * 3)
            rounds = [await _round(running, round(PER_SECOND * options.seconds)) for _ in range(options.rounds)]
        figures, costs = zip(*rounds, strict=True)
        yield Result("create and classify", name, medians(figures), medians(costs))


async def _round(running: Installation, count: int) -> tuple[Figures, Figures]:
    before = running.seconds()
    done = await load(running.address, create, CONNECTIONS, count=count)
    await classified(running)
    cost = per_request(running, before, count)
    seconds = max(await classified_at(running, done.answers)) - min(answer.sent for answer in done.answers)
    return {RATE: count / seconds}, cost
