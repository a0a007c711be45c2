"""Taking in inquiries: over few and many connections, while nothing or everything else is at work."""

import contextlib
import itertools
from collections.abc import AsyncIterator

from benchmarks import limits
from benchmarks.installation import fresh
from benchmarks.measuring import Options, classified, create, measured, stopped
from benchmarks.report import Result

CONNECTIONS = (1, 16, 64)


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    async with fresh() as running:
        script = await limits.asked(running, lambda service: service.create())
        for triage, connections in itertools.product(("stopped", "running"), CONNECTIONS):
            with stopped(running, "worker") if triage == "stopped" else contextlib.nullcontext():
                figures, cpu = await measured(running, create, connections, options)
                least = {
                    **await limits.pgbench(running, script, connections, options.seconds),
                    **await limits.bare(create(0), connections, options.seconds),
                }
            yield Result("create", f"{connections} connections, triage {triage}", figures, cpu, least)
            await classified(running)
