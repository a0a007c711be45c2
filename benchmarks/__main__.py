"""`make bench`: every scenario, or those that are named; a table as they come, and JSON where it is wanted.

.venv/bin/python -m benchmarks [SCENARIO …] [--rows 1000000] [--rounds 3] [--seconds 5] [--json FILE]
"""

import argparse
import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.measuring import Options
from benchmarks.report import HEADER, Result, Run, command, machine, row

SCENARIOS = ("create", "classify", "reads", "latency", "footprint", "model", "fan_out", "scale")

# Before anything imports gRPC: its fork handlers would start threads in the children in which PostgreSQL is about to
# enter a user namespace, which only a process of one thread may do.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


async def main(names: list[str], options: Options, file: Path | None) -> None:
    """Measure."""
    began_on, results = machine(), list[Result]()
    print(f"{began_on}\n{command()}\n\n{HEADER}", flush=True)
    for name in names:
        async for result in import_module(f"benchmarks.scenarios.{name}").run(options):
            print(row(result), flush=True)
            results.append(result)
            if file:
                Run(command(), began_on, results).write(file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure how fast POK is.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"any of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--rows", type=int, default=10_000, help="inquiries in the largest installation that is read")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--seconds", type=float, default=3.0, help="that a round lasts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the results as well")
    chosen = parser.parse_args()
    if unknown := set(chosen.scenarios) - set(SCENARIOS):
        sys.exit(f"There is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}.")
    options = Options(chosen.rows, chosen.rounds, chosen.seconds)
    asyncio.run(main(chosen.scenarios or list(SCENARIOS), options, chosen.json))
