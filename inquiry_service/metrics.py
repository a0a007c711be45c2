"""What Prometheus is shown of the inquiry service's state, read when it asks."""

import asyncio
from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inquiry_service.storage import event_log, queue, workers
from inquiry_service.storage.database import Database
from runtime.rpc.errors import RpcError

LANES = ("live", "retriage", "import")
"""Their names, in the order of their numbers."""

READ_SECONDS = 3.0


class State(Collector):
    """The pool, the queue of record and what is derived from the log, as they are when Prometheus asks.

    All but the pool is the installation's: every replica says the same of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()

    def describe(self) -> list[Metric]:
        """Nothing in advance, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Called by the thread that answers Prometheus."""
        connections = GaugeMetricFamily("pok_database_connections", "Connections of the pool.", labels=("state",))
        for state, count in self._database.connections().items():
            connections.add_metric((state,), count)
        yield connections
        reading = asyncio.run_coroutine_threadsafe(_read(self._database), self._loop)
        try:
            yield from reading.result(READ_SECONDS)
        except (RpcError, TimeoutError):
            reading.cancel()  # the series end, and a rule says so: what was last known is not what is


async def _read(database: Database) -> list[Metric]:
    jobs = GaugeMetricFamily("pok_queue_jobs", "Inquiries that wait or are analysed.", labels=("lane", "state"))
    for lane in await queue.depth(database):
        for state in ("waiting", "retrying", "running"):
            jobs.add_metric((LANES[lane.lane], state), getattr(lane, state))
    oldest = await queue.oldest(database)
    failed = GaugeMetricFamily("pok_queue_failed", "Inquiries whose triage has failed.", labels=("reason",))
    for reason, count in await queue.failed_by_reason(database):
        failed.add_metric((reason,), count)
    lag = GaugeMetricFamily("pok_projection_lag_seconds", "Age of the first event to come.", labels=("projection",))
    for name, seconds in (await event_log.lags(database)).items():
        lag.add_metric((name,), seconds)
    return [
        jobs,
        GaugeMetricFamily(
            "pok_queue_oldest_seconds", "How long the oldest that is due waits.", oldest.age if oldest else 0.0
        ),
        failed,
        lag,
        GaugeMetricFamily("pok_workers_alive", "Workers heard lately.", await workers.count_alive(database)),
    ]
