"""Health of this process, for load balancers and operators."""

from litestar import get

from edge_api.body import EdgeRequest
from edge_api.openapi import operation
from edge_api.schemas.operation import Health


@get("/api/health/live", summary="Is the process alive?", tags=["operation"], operation_id="check_liveness")
async def check_liveness() -> Health:
    """Answers as long as the process does."""
    return Health()


@get("/api/health/ready", summary="Can it accept requests?", tags=["operation"], **operation("check_readiness"))
async def check_readiness(request: EdgeRequest) -> Health:
    """200 while the inquiry service serves, 503 while it does not; says nothing about the AI, the worker or Valkey."""
    await request.backend.check()
    return Health()
