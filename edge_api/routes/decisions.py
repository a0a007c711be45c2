"""What the AI has decided: read, run again, taken back, asked without changing anything."""

from typing import Annotated, cast

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2

from edge_api import convert, deadlines, versions
from edge_api.body import EdgeRequest
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.presence import while_present
from edge_api.routes.inquiries import InquiryId
from edge_api.schemas.decisions import Analysis, DryRun, InquiryRun, Run, RunPage, RunQuery, Usage
from edge_api.schemas.explanation import ExplainingPhrase, Explanation, ExplanationQuery, SimilarCase
from edge_api.schemas.inquiries import Alternative, StaffInquiry

RunNumber = Annotated[int, Parameter(ge=1, le=2**53, description="Number of the run.", schema_extra={"examples": [1]})]


@get(
    "/api/inquiries/{inquiry_id:uuid}/runs",
    summary="Read what the AI has decided",
    tags=["decisions"],
    response_description="A page of decision records.",
    **operation("list_inquiry_runs", 400, 401, 403, 404),
)
async def list_inquiry_runs(request: EdgeRequest, inquiry_id: InquiryId) -> RunPage:
    """Every run of the AI on this inquiry, newest first: what it made of it, what that changed, and what it took."""
    query = request.query(RunQuery)
    response = await request.backend.decisions.ListRuns(
        decisions_pb2.ListRunsRequest(
            inquiry_id=str(inquiry_id), page_size=query.page_size, page_token=query.page_token
        )
    )
    return RunPage(items=[_run(run) for run in response.runs], next_page_token=response.next_page_token or None)


@post(
    "/api/inquiries/{inquiry_id:uuid}/retriage",
    summary="Have an inquiry analysed again",
    tags=["decisions"],
    status_code=200,
    response_description="The inquiry as it is now.",
    response_headers=[versions.ETAG],
    **operation("retriage_inquiry", 400, 401, 403, 404),
)
async def retriage_inquiry(request: EdgeRequest, inquiry_id: InquiryId) -> Response[StaffInquiry]:
    """Queues it after what has just come in, also if its triage had failed. What a person has set stays. Nothing
    changes while it is already waiting or being analysed.
    """
    response = await request.backend.decisions.RetriageInquiry(
        decisions_pb2.RetriageInquiryRequest(inquiry_id=str(inquiry_id))
    )
    inquiry = convert.staff_inquiry(response.inquiry)
    return Response(inquiry, headers=versions.entity_tag(inquiry.version))


@post(
    "/api/inquiries/{inquiry_id:uuid}/runs/{run:int}/undo",
    summary="Take back what a run of the AI has set",
    tags=["decisions"],
    status_code=200,
    response_description="The inquiry as it is now.",
    response_headers=[versions.ETAG],
    **operation("undo_inquiry_run", 400, 401, 403, 404, 409),
)
async def undo_inquiry_run(request: EdgeRequest, inquiry_id: InquiryId, run: RunNumber) -> Response[StaffInquiry]:
    """Fields that it has set, and nobody has changed since, get the values from before; a category that is taken back
    becomes a suggestion to review; the drafted reply, if it was not sent, is withdrawn.
    """
    response = await request.backend.decisions.UndoRun(
        decisions_pb2.UndoRunRequest(inquiry_id=str(inquiry_id), run=run)
    )
    inquiry = convert.staff_inquiry(response.inquiry)
    return Response(inquiry, headers=versions.entity_tag(inquiry.version))


@post(
    "/api/inquiries/{inquiry_id:uuid}/dry-run",
    summary="Ask another AI what it would say",
    tags=["decisions"],
    status_code=200,
    response_description="What it would say.",
    **operation("dry_run_inquiry", 401, 403, 404, 409, *BODY_ERRORS),
)
async def dry_run_inquiry(request: EdgeRequest, inquiry_id: InquiryId, data: DryRun) -> Analysis:
    """Analyses the inquiry as it is and changes nothing; what it costs counts for the day. May take 30 seconds."""
    asked = decisions_pb2.DryRunRequest(inquiry_id=str(inquiry_id), provider=data.provider)
    answer = request.backend.decisions.DryRun(asked, timeout=deadlines.DRY_RUN)
    response = await while_present(request.receive, answer)
    return _analysis(response.analysis)


@get(
    "/api/inquiries/{inquiry_id:uuid}/why",
    summary="Explain a category",
    tags=["decisions"],
    response_description="What speaks for it.",
    **operation("explain_inquiry_category", 400, 401, 403, 404),
)
async def explain_inquiry_category(request: EdgeRequest, inquiry_id: InquiryId) -> Explanation:
    """Why the embedded model gives the inquiry this category, or the most probable one: phrases of the customer and the
    closest cases known. Computed on demand; 503 while the AI service is away.
    """
    query = request.query(ExplanationQuery)
    response = await request.backend.decisions.ExplainCategory(
        decisions_pb2.ExplainCategoryRequest(inquiry_id=str(inquiry_id), category=query.category)
    )
    return Explanation(
        category=response.category,
        categories=[Alternative(score.category, score.confidence) for score in response.categories],
        phrases=[
            ExplainingPhrase(
                message=phrase.message, start=phrase.start, end=phrase.end, text=phrase.text, weight=phrase.weight
            )
            for phrase in response.phrases
        ],
        cases=[
            SimilarCase(
                inquiry_id=case.inquiry_id or None,
                reference=case.reference or None,
                text=case.text,
                category=case.category,
                similarity=case.similarity,
            )
            for case in response.cases
        ],
        learned_share=response.learned_share,
    )


def _run(run: decisions_pb2.Run) -> InquiryRun:
    return InquiryRun(
        number=run.number,
        outcome=cast("Run", run.outcome),
        revision=run.revision,
        analysis=_analysis(run.analysis),
        changes=msgspec.json.decode(run.changes_json),
        create_time=convert.time_of(run.create_time),
    )


def _analysis(analysis: analysis_pb2.Analysis) -> Analysis:
    usage = analysis.usage
    return Analysis(
        categories=[Alternative(score.category, score.confidence) for score in analysis.categories],
        sentiment=convert.SENTIMENT.get(analysis.sentiment),
        sentiment_score=analysis.sentiment_score,
        priority=convert.PRIORITY.get(analysis.priority),
        priority_reason=analysis.priority_reason,
        language=analysis.language,
        entities=[convert.entity(entity) for entity in analysis.entities],
        draft=analysis.draft,
        model=convert.model_of(analysis.model),
        knowledge_version=analysis.knowledge_version,
        usage=Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_micros=usage.cost_micros,
            duration_ms=usage.duration_ms,
        ),
        fallback=analysis.fallback or None,
        cited=list(analysis.cited),
        missing=list(analysis.missing),
        masked=convert.masked_kinds(analysis.masked),
        sent_text=analysis.sent_text or None,
        uncorrected_category=analysis.uncorrected_category or None,
        learned_share=analysis.learned_share,
    )
