"""What Prometheus is shown of the edge beside its calls, counted in each of its processes."""

import time

from litestar.types import Scope
from prometheus_client import Counter, Gauge, Histogram

from edge_api.access import operation_of
from runtime.metrics import SECONDS

REQUESTS = Counter("pok_http_requests_total", "Requests that were answered.", ("operation", "status"))
REQUEST_SECONDS = Histogram(
    "pok_http_request_seconds", "Time until an answer begins, also of a stream.", ("operation",), buckets=SECONDS
)
WATCHERS = Gauge("pok_live_watchers", "Browsers that follow the live feed.", multiprocess_mode="livesum")

NO_OPERATION = "none"
"""Files of the dashboard, and addresses that nothing answers: whoever asks must not be able to invent labels."""


def answered(scope: Scope, status: int, since: float) -> str:
    """Count a request that came at `since` (time.perf_counter()), now that its answer begins; returns its operation."""
    handler = scope.get("route_handler")
    operation = NO_OPERATION if handler is None else operation_of(handler)
    REQUESTS.labels(operation, status).inc()
    REQUEST_SECONDS.labels(operation).observe(time.perf_counter() - since)
    return operation
