"""Taking in inquiries: over few and many connections, while nothing or everything else is at work."""

import contextlib
import itertools
from collections.abc import AsyncIterator

import asyncpg

from benchmarks import limits
from benchmarks.installation import Installation, fresh
from benchmarks.measuring import Options, classified, create, measured, stopped
from benchmarks.report import Result

CONNECTIONS = (1, 16, 64)
FORGET = """
with ended as (update triage_job set state = 'idle' where state = 'queued' returning inquiry_id)
update inquiry set triage_state = 'done' from ended where id = ended.inquiry_id
"""


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
            await _forget(running)


async def _forget(running: Installation) -> None:
    """Leave none of what waits to the next case; pgbench alone has made more than minutes of triage would end."""
    owner = await asyncpg.connect(running.system.database_url())
    try:
        await owner.execute(FORGET)
    finally:
        await owner.close()
    await classified(running)
