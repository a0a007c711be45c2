"""Health of this process, for load balancers and operators."""

from datetime import UTC

from litestar import get
from pok.inquiry.v1 import queue_pb2

from edge_api.body import EdgeRequest
from edge_api.openapi import operation
from edge_api.schemas.operation import Health, WorkHealth
from runtime.rpc.errors import Unavailable

LOOK_AGAIN_SECONDS = 30.0


@get("/api/health/live", summary="Is the process alive?", tags=["operation"], operation_id="check_liveness")
async def check_liveness() -> Health:
    """Answers as long as the process does."""
    return Health()


@get("/api/health/ready", summary="Can it accept requests?", tags=["operation"], **operation("check_readiness"))
async def check_readiness(request: EdgeRequest) -> Health:
    """200 while the inquiry service serves, 503 while it does not; says nothing about the AI, the worker or Valkey."""
    await request.backend.check()
    return Health()


@get("/api/health/work", summary="Is work done in time?", tags=["operation"], **operation("check_work"))
async def check_work(request: EdgeRequest) -> WorkHealth:
    """503 as soon as an inquiry has been due for its analysis for more than 120 seconds; the problem says which, and
    since when. It goes by the age of what waits, not by which processes are up. Requests are accepted all the same.
    """
    response = await request.backend.queue.CheckWork(queue_pb2.CheckWorkRequest())
    oldest = response.oldest if response.HasField("oldest") else None
    if oldest and not response.healthy:
        raise Unavailable(_waiting(oldest, response.workers), reason="WORK_WAITS", retry_delay=LOOK_AGAIN_SECONDS)
    age = oldest.age.ToTimedelta().total_seconds() if oldest else 0.0
    return WorkHealth(oldest_pending_seconds=age, workers=response.workers)


def _waiting(oldest: queue_pb2.OldestJob, workers: int) -> str:
    since = oldest.since.ToDatetime(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    why = f" ({oldest.reason})" if oldest.reason else ""
    alive = f"{workers} worker{' is' if workers == 1 else 's are'} alive"
    return f"{oldest.reference} has waited since {since}, for {oldest.age.seconds} seconds{why}; {alive}."
