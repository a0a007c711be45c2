"""What the projections (search, statistics, live feed) cost the intake.

    .venv/bin/python -m benchmarks.projections [ROUNDS]

Starts POK as `make up` does, in a folder that is thrown away, stops its worker, and creates inquiries over 16
connections: in turn with all projections at work and with a transaction open that keeps all of them from reading on.
Prints rates and processor time per create. Exits with 1 when the rate with projections is less than 90% of
the one without right after it, in the median of all rounds.
"""

import asyncio
import signal
import statistics
import sys
import tempfile
from pathlib import Path

import asyncpg

from benchmarks.client import load
from benchmarks.measuring import create
from benchmarks.processes import Processes
from tests.support.system import System, running_system

ROUNDS = 9
CREATES = 3_000
CONNECTIONS = 16
LEAST = 0.9
WARM_UP = 1_000

BEHIND = """
select exists (select from projection p
    where exists (select from event e where (e.era, e.txid, e.number) > (p.era, p.txid, p.number)))
"""


async def _caught_up(owner: asyncpg.Connection) -> None:
    while await owner.fetchval(BEHIND):  # noqa: ASYNC110 - it is another process that catches up
        await asyncio.sleep(0.1)


async def main(rounds: int) -> int:
    """Measure; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder), POK_ENV="development") as system:
            return await _measured(system, rounds)


async def _measured(system: System, rounds: int) -> int:
    owner = await asyncpg.connect(system.database_url())
    processes = Processes(system.running.process.pid)
    processes.by_name["worker"].send_signal(signal.SIGSTOP)
    await load(system.address, create, CONNECTIONS, count=WARM_UP)
    rates: dict[bool, list[float]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds):
        projecting = number % 2 == 0
        await _caught_up(owner)
        held = owner.transaction()
        await held.start()
        if not projecting:
            # What is not older than the oldest open transaction is not yet read by any projection.
            await owner.execute("select pg_current_xact_id()")
        before = sum(processes.seconds().values())
        done = await load(system.address, create, CONNECTIONS, count=CREATES)
        costs[projecting].append(1000 * (sum(processes.seconds().values()) - before) / CREATES)
        await held.rollback()
        if any(answer.status != 201 for answer in done.answers):
            sys.exit("not every inquiry was created")
        rates[projecting].append(done.rate)
    processes.by_name["worker"].send_signal(signal.SIGCONT)
    for projecting, name in ((True, "with projections"), (False, "without")):
        print(
            f"{name:16} {statistics.median(rates[projecting]):5.0f} creates/s (best {max(rates[projecting]):.0f}), "
            f"{statistics.median(costs[projecting]):.2f} ms of processor each"
        )
    ratio = statistics.median(on / off for on, off in zip(rates[True], rates[False], strict=True))
    print(f"with against without, round by round: {ratio:.2f}")
    await owner.close()
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)))
