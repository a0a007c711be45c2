"""DecisionService: what the AI has decided, taken back or asked again."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2, decisions_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.decisions import Decisions
from inquiry_service.storage.decisions import RunRecord
from runtime.rpc.context import principal


class DecisionServicer(decisions_pb2_grpc.DecisionServiceServicer):
    """Converts, calls one operation, converts back. `ring` tells workers of an inquiry that was queued."""

    def __init__(self, decisions: Decisions, ring: Callable[[UUID], None]) -> None:
        self._decisions = decisions
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
        return decisions_pb2.DryRunResponse(analysis=_analysis(analysis.record))


def _run(run: RunRecord) -> decisions_pb2.Run:
    return decisions_pb2.Run(
        number=run.claim,
        outcome=run.outcome,
        revision=run.revision,
        analysis=_analysis(run.record),
        changes_json=msgspec.json.encode(run.changes or {}).decode(),
        create_time=convert.timestamp(run.create_time),
    )


def _analysis(record: Mapping[str, Any]) -> analysis_pb2.Analysis:
    # As it was answered, but for the embedding, which is no part of the record.
    return analysis_pb2.Analysis(
        categories=[analysis_pb2.CategoryScore(**score) for score in record["categories"]],
        sentiment=convert.SENTIMENT.number(record["sentiment"]),
        sentiment_score=record["sentiment_score"],
        priority=convert.PRIORITY.number(record["priority"]),
        priority_reason=record["priority_reason"],
        language=record["language"],
        entities=[convert.entity_message(entity) for entity in record["entities"]],
        draft=record["draft"],
        model=analysis_pb2.Model(**record["model"]),
        knowledge_version=record["knowledge_version"],
        usage=analysis_pb2.Usage(
            input_tokens=record["input_tokens"],
            output_tokens=record["output_tokens"],
            cost_micros=record["cost_micros"],
            duration_ms=record["duration_ms"],
        ),
        fallback=record["fallback"],
    )
