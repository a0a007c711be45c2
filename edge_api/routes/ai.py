"""How the AI is doing."""

from typing import cast

from litestar import get
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2

from edge_api.body import EdgeRequest
from edge_api.convert import model_of, time_of
from edge_api.openapi import operation
from edge_api.schemas.ai import AiService, AiState, Circuit, Fallback, PaidProvider, ThresholdPoint, UsageToday
from edge_api.schemas.decisions import Provider


@get(
    "/api/ai",
    summary="Read how the AI is doing",
    tags=["decisions"],
    response_description="Its state at present.",
    **operation("get_ai_state", 401, 403),
)
async def get_ai_state(request: EdgeRequest) -> AiState:
    """Which model answers and how its provider is doing, what it knows, and what it took today. With several AI
    processes, `service` is what one of them says.
    """
    state = await request.backend.decisions.GetAiState(decisions_pb2.GetAiStateRequest())
    today = state.today
    return AiState(
        provider=cast("Provider", state.ai_provider),
        knowledge_version=state.knowledge_version,
        examples=state.examples,
        service=_service(state.model) if state.HasField("model") else None,
        today=UsageToday(
            input_tokens=today.input_tokens, output_tokens=today.output_tokens, cost_micros=today.cost_micros
        ),
        spend_left_micros=state.spend_left_micros if state.HasField("spend_left_micros") else None,
    )


def _service(model: analysis_pb2.GetModelResponse) -> AiService:
    return AiService(
        model=model_of(model.model),
        knowledge_version=model.knowledge_version,
        load_time=time_of(model.load_time) if model.HasField("load_time") else None,
        paid=_paid(model.paid) if model.HasField("paid") else None,
        thresholds=[
            ThresholdPoint(threshold=point.threshold, precision=point.precision, coverage=point.coverage)
            for point in model.thresholds
        ],
    )


def _paid(state: analysis_pb2.ProviderState) -> PaidProvider:
    return PaidProvider(
        model=model_of(state.model),
        circuit=cast("Circuit", state.circuit),
        open_until=time_of(state.open_until) if state.HasField("open_until") else None,
        last_failure=state.last_failure or None,
        in_flight=state.in_flight,
        median_ms=state.median_ms or None,
        fallback=cast("Fallback", state.fallback or "embedded"),
        masking=state.masking,
    )
