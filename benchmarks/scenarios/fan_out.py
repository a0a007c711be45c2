"""The live feed with thousands of listeners."""

from collections.abc import AsyncIterator

from benchmarks import watchers
from benchmarks.installation import fresh
from benchmarks.measuring import Options
from benchmarks.report import Result
from runtime.stack.installation import ADMIN


async def run(_options: Options) -> AsyncIterator[Result]:
    """Measure."""
    async with fresh() as running:
        figures = await watchers.watched(running.system.address, ADMIN, running.system.password)
        yield Result("live feed", f"{watchers.WATCHERS:,} listeners, {watchers.EVENTS} events", figures)
