"""What Prometheus is shown of a process: the calls it serves and makes, and a port of its own for reading them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.registry import Collector

from runtime.settings import SettingsError

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody reads

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets of every histogram of times."""

SERVED = Counter("pok_rpc_served_total", "Calls that this process has answered.", ("method", "code"))
SERVED_SECONDS = Histogram("pok_rpc_served_seconds", "Time to answer a call; no streams.", ("method",), buckets=SECONDS)
CALLED = Counter("pok_rpc_called_total", "Calls that this process has made.", ("method", "code"))
CALLED_SECONDS = Histogram("pok_rpc_called_seconds", "Time until a call was answered.", ("method",), buckets=SECONDS)


def served(method: str, code: str, since: float | None) -> None:
    """Count a call that was answered; `since` is when it came (time.perf_counter()), None for a stream."""
    SERVED.labels(method, code).inc()
    if since is not None:
        SERVED_SECONDS.labels(method).observe(time.perf_counter() - since)


def called(method: str, code: str, since: float) -> None:
    """Count a call that was made at `since` (time.perf_counter())."""
    CALLED.labels(method, code).inc()
    CALLED_SECONDS.labels(method).observe(time.perf_counter() - since)


@contextmanager
def exposed(address: str, *collectors: Collector, registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Show `registry` and these collectors at http://`address`/metrics while inside; nowhere if that is empty.

    A thread answers, so that a busy event loop is seen and not waited for. Raises SettingsError.
    """
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    for collector in collectors:
        registry.register(collector)
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, ValueError):
        raise SettingsError(f"POK_METRICS_LISTEN: {address} is taken, or no address of this machine") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for collector in collectors:
            registry.unregister(collector)
