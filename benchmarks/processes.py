"""What the processes of an installation use: processor time and memory, each service with its children."""

import contextlib
from collections.abc import Iterator

import psutil

MEGABYTE = 1024 * 1024
SUPERVISOR = "pok up"


class Processes:
    """`pok up` and its children, by name; found when this is made."""

    def __init__(self, supervisor: int) -> None:
        self._supervisor = psutil.Process(supervisor)
        self.by_name = {_name(child): child for child in self._supervisor.children()}

    def seconds(self) -> dict[str, float]:
        """Seconds of a processor so far, by name."""
        return {name: seconds_of(root) for name, root in self.by_name.items()}

    def megabytes(self) -> dict[str, float]:
        """Memory by name, in MB; what several processes share counts once (PSS)."""
        families = {name: family(root) for name, root in self.by_name.items()} | {SUPERVISOR: [self._supervisor]}
        return {
            name: sum(one.memory_full_info().pss for one in processes) / MEGABYTE
            for name, processes in families.items()
        }


def family(root: psutil.Process) -> list[psutil.Process]:
    """A process and all that it has started and that still run."""
    return [root, *root.children(recursive=True)]


def seconds_of(root: psutil.Process) -> float:
    """Seconds of a processor that a family has used so far, with those of its members that have ended."""
    return sum(_times(family(root)))


def _times(processes: list[psutil.Process]) -> Iterator[float]:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield sum(process.cpu_times()[:4])  # of its own and of children that have ended; user and system


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    return command[command.index("-m") + 1] if "-m" in command else process.name()
