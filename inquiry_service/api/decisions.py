"""DecisionService: what the AI has decided, taken back or asked again."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2, decisions_pb2_grpc

from inquiry_service.api import convert, convert_analysis
from inquiry_service.domain.ai_state import AiStates
from inquiry_service.domain.decisions import Decisions
from inquiry_service.domain.explaining import Case, Explaining
from inquiry_service.storage.decisions import RunRecord
from runtime.rpc.context import principal

Model = Callable[[], Awaitable[analysis_pb2.GetModelResponse | None]]


class DecisionServicer(decisions_pb2_grpc.DecisionServiceServicer):
    """Converts, calls one operation, converts back.

    `model` asks the AI service about itself; `ring` tells workers of an inquiry that was queued.
    """

    def __init__(
        self, decisions: Decisions, explaining: Explaining, states: AiStates, model: Model, ring: Callable[[UUID], None]
    ) -> None:
        self._decisions = decisions
        self._explaining = explaining
        self._states = states
        self._model = model
        self._ring = ring

    async def ListRuns(self, request: decisions_pb2.ListRunsRequest, context: Any) -> decisions_pb2.ListRunsResponse:
        """A page of decision records."""
        inquiry_id = convert.uuid_of(request.inquiry_id)
        listed = await self._decisions.list(inquiry_id, request.page_size, request.page_token, principal())
        return decisions_pb2.ListRunsResponse(runs=map(_run, listed.items), next_page_token=listed.next_page_token)

    async def RetriageInquiry(
        self, request: decisions_pb2.RetriageInquiryRequest, context: Any
    ) -> decisions_pb2.RetriageInquiryResponse:
        """Queue it once more."""
        record, queued = await self._decisions.retriage(convert.uuid_of(request.inquiry_id), principal())
        if queued:
            self._ring(record.id)
        return decisions_pb2.RetriageInquiryResponse(inquiry=convert.inquiry_message(record))

    async def UndoRun(self, request: decisions_pb2.UndoRunRequest, context: Any) -> decisions_pb2.UndoRunResponse:
        """Take a run back."""
        record = await self._decisions.undo(convert.uuid_of(request.inquiry_id), request.run, principal())
        return decisions_pb2.UndoRunResponse(inquiry=convert.inquiry_message(record))

    async def DryRun(self, request: decisions_pb2.DryRunRequest, context: Any) -> decisions_pb2.DryRunResponse:
        """Ask, and change nothing."""
        analysis = await self._decisions.dry_run(convert.uuid_of(request.inquiry_id), request.provider, principal())
        return decisions_pb2.DryRunResponse(analysis=convert_analysis.message_of(analysis.record))

    async def ExplainCategory(
        self, request: decisions_pb2.ExplainCategoryRequest, context: Any
    ) -> decisions_pb2.ExplainCategoryResponse:
        """Say why."""
        told = await self._explaining.explain(convert.uuid_of(request.inquiry_id), request.category, principal())
        return decisions_pb2.ExplainCategoryResponse(
            category=told.explained.category,
            categories=[
                analysis_pb2.CategoryScore(category=score.category, confidence=score.confidence)
                for score in told.explained.categories
            ],
            phrases=[decisions_pb2.ExplainingPhrase(**msgspec.structs.asdict(phrase)) for phrase in told.phrases],
            cases=map(_case, told.cases),
            learned_share=told.explained.learned_share,
        )

    async def GetAiState(
        self, request: decisions_pb2.GetAiStateRequest, context: Any
    ) -> decisions_pb2.GetAiStateResponse:
        """What is known here, and what the AI service says of itself."""
        state = await self._states.read(principal())
        return decisions_pb2.GetAiStateResponse(
            ai_provider=state.provider,
            knowledge_version=state.knowledge_version,
            examples=state.examples,
            model=await self._model(),
            today=analysis_pb2.Usage(**msgspec.structs.asdict(state.today)),
            spend_left_micros=state.spend_left,
        )


def _case(case: Case) -> decisions_pb2.SimilarCase:
    return decisions_pb2.SimilarCase(
        inquiry_id=str(case.inquiry_id or ""),
        reference=case.reference,
        text=case.text,
        category=case.category,
        similarity=min(1.0, case.similarity),
    )


def _run(run: RunRecord) -> decisions_pb2.Run:
    return decisions_pb2.Run(
        number=run.claim,
        outcome=run.outcome,
        revision=run.revision,
        analysis=convert_analysis.message_of(run.record),
        changes_json=msgspec.json.encode(run.changes or {}).decode(),
        create_time=convert.timestamp(run.create_time),
    )
