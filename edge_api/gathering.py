"""Shows Prometheus what all processes of the edge have counted; imported before anything that counts."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def gathered(address: str) -> Iterator[None]:
    """Show at `address` what this process and those that it starts inside have counted; nowhere if it is empty.

    They write it to files in a folder that goes with this process. Raises SettingsError.
    """
    if not address:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pok-metrics-") as folder:
        os.environ[FOLDER] = folder  # the library looks for it when it is imported, hence all imports here
        from prometheus_client import CollectorRegistry

        from runtime.metrics import exposed

        with exposed(address, _Requests(Path(folder)), _Processes(), registry=CollectorRegistry()):
            yield


class _Requests:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> list["Metric"]:
        return []

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

        # What lives with a process goes with it, also if it was killed.
        for file in self._folder.glob("gauge_live*.db"):
            pid = file.stem.rpartition("_")[2]
            if not Path("/proc", pid).exists():
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        yield from MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]


class _Processes:
    """The memory, processor time and files of the edge's processes, added up; the start is that of the oldest."""

    def describe(self) -> list["Metric"]:
        return []

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.process_collector import ProcessCollector

        found: dict[str, list[Metric]] = defaultdict(list)
        for pid in _family():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                found[metric.name].append(metric)
        for name, metrics in found.items():
            values = [sample.value for metric in metrics for sample in metric.samples]
            value = min(values) if name == "process_start_time_seconds" else sum(values)
            first = metrics[0]
            first.samples = [first.samples[0]._replace(value=value)]
            yield first


def _family() -> Iterator[int]:
    yield os.getpid()
    for file in Path("/proc/self/task").glob("*/children"):
        yield from map(int, file.read_text().split())
