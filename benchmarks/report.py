"""What a run has measured: a table for people, JSON for programs."""

import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

Figures = dict[str, float]
"""By their names, which say the unit."""

RATE, MEDIAN, TAIL, CPU = "per second", "p50 ms", "p99 ms", "CPU ms"


class Result(msgspec.Struct, frozen=True):
    """One case of a scenario, in medians over its rounds.

    `cpu` is milliseconds of a processor per request (or what else the scenario counts) by process; `limit` is what the
    same machine does with less in the way.
    """

    scenario: str
    case: str
    figures: Figures
    cpu: Figures = {}
    limit: Figures = {}


class Run(msgspec.Struct, frozen=True):
    """All of one run."""

    command: str
    machine: str
    results: Sequence[Result]

    def write(self, file: Path) -> None:
        """Keep it as JSON."""
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self)))


def machine() -> str:
    """What was measured on, and how busy it was."""
    return (
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def command() -> str:
    """How to repeat it."""
    return " ".join(["python", "-m", "benchmarks", *sys.argv[1:]])


def medians(rounds: Sequence[Figures]) -> Figures:
    """Figure by figure."""
    return {name: statistics.median(one.get(name, 0.0) for one in rounds) for name in rounds[0]}


HEADER = "| scenario | case | measured | CPU ms by process | limit |\n|---|---|---|---|---|"


def row(result: Result) -> str:
    """Its line of the table."""
    total = {CPU: sum(result.cpu.values())} if result.cpu else {}
    columns = (result.scenario, result.case, _said({**result.figures, **total}), _said(result.cpu), _said(result.limit))
    return f"| {' | '.join(columns)} |"


def _said(figures: Figures) -> str:
    return ", ".join(f"{name} {_rounded(value)}" for name, value in figures.items() if round(value, 3))


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(results: Iterable[Result]) -> str:
    """The whole table, as Markdown."""
    return "\n".join([HEADER, *map(row, results)])
