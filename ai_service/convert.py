"""Between the contract's messages and the domain; protobuf stops here."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pok.ai.v1 import analysis_pb2

from ai_service.analysis import (
    Analysis,
    Author,
    CategoryScore,
    EntityKind,
    Inquiry,
    Model,
    Priority,
    Sent,
    Sentiment,
    Source,
    Turn,
    Usage,
)
from ai_service.drafting import Drafted, Order
from ai_service.guard import State
from runtime.rpc.errors import FieldViolation, InvalidArgument

if TYPE_CHECKING:  # the encoder is imported only where it is loaded
    from ai_service.embedded.categories import Case
    from ai_service.embedded.head import ThresholdPoint
    from ai_service.providers.embedded import Explanation

MAX_CHARACTERS = 20_000
PROVIDERS = frozenset({"", "auto", "embedded", "openai"})
MAX_TEXTS = 128
LONGEST_INSTRUCTION = 500
MAX_SOURCES = 20
LONGEST_ID = 100
LONGEST_SOURCE = 5_000

_AUTHORS = {analysis_pb2.AUTHOR_CUSTOMER: Author.CUSTOMER, analysis_pb2.AUTHOR_AGENT: Author.AGENT}
_SENTIMENTS = {
    Sentiment.NEGATIVE: analysis_pb2.SENTIMENT_NEGATIVE,
    Sentiment.NEUTRAL: analysis_pb2.SENTIMENT_NEUTRAL,
    Sentiment.POSITIVE: analysis_pb2.SENTIMENT_POSITIVE,
}
_PRIORITIES = {
    Priority.LOW: analysis_pb2.PRIORITY_LOW,
    Priority.NORMAL: analysis_pb2.PRIORITY_NORMAL,
    Priority.HIGH: analysis_pb2.PRIORITY_HIGH,
    Priority.URGENT: analysis_pb2.PRIORITY_URGENT,
}
_KINDS = {
    EntityKind.ORDER_NUMBER: analysis_pb2.ENTITY_KIND_ORDER_NUMBER,
    EntityKind.INVOICE_NUMBER: analysis_pb2.ENTITY_KIND_INVOICE_NUMBER,
    EntityKind.AMOUNT: analysis_pb2.ENTITY_KIND_AMOUNT,
    EntityKind.EMAIL: analysis_pb2.ENTITY_KIND_EMAIL,
    EntityKind.PHONE: analysis_pb2.ENTITY_KIND_PHONE,
    EntityKind.DATE: analysis_pb2.ENTITY_KIND_DATE,
}


def to_inquiry(request: analysis_pb2.AnalyzeRequest) -> Inquiry:
    """The inquiry in `request`; raises InvalidArgument naming every wrong field."""
    violations = list(_violations(request))
    if violations:
        raise InvalidArgument("The inquiry cannot be analysed.", violations=violations)
    return Inquiry(
        customer_name=request.customer_name,
        subject=request.subject,
        conversation=tuple(Turn(author=_AUTHORS[turn.author], text=turn.text) for turn in request.conversation),
        spend_left=request.spend_left_micros if request.HasField("spend_left_micros") else None,
        sources=tuple(
            Source(
                id=source.id, title=source.title, text=source.text, category=source.category, language=source.language
            )
            for source in request.sources
        ),
        reference=request.reference,
    )


def _violations(request: analysis_pb2.AnalyzeRequest) -> list[FieldViolation]:
    found = []
    if request.provider not in PROVIDERS:
        found.append(FieldViolation("provider", f"must be one of: {', '.join(sorted(PROVIDERS - {''}))}"))
    if len(request.subject) > MAX_CHARACTERS:
        found.append(FieldViolation("subject", f"may have at most {MAX_CHARACTERS} characters"))
    for index, turn in enumerate(request.conversation):
        if turn.author not in _AUTHORS:
            found.append(FieldViolation(f"conversation.{index}.author", "must be the customer or an agent"))
        if len(turn.text) > MAX_CHARACTERS:
            found.append(FieldViolation(f"conversation.{index}.text", f"may have at most {MAX_CHARACTERS} characters"))
    if len(request.sources) > MAX_SOURCES:
        found.append(FieldViolation("sources", f"may have at most {MAX_SOURCES} items"))
    for index, source in enumerate(request.sources):
        if not 1 <= len(source.id) <= LONGEST_ID:
            found.append(FieldViolation(f"sources.{index}.id", f"must have 1 to {LONGEST_ID} characters"))
        if len(source.text) > LONGEST_SOURCE:
            found.append(FieldViolation(f"sources.{index}.text", f"may have at most {LONGEST_SOURCE} characters"))
    if not any(turn.author == analysis_pb2.AUTHOR_CUSTOMER for turn in request.conversation):
        found.append(FieldViolation("conversation", "must hold at least one message of the customer"))
    return found


def to_order(request: analysis_pb2.DraftReplyRequest) -> Order:
    """What is asked of the draft; raises InvalidArgument for an instruction that is too long."""
    if len(request.instruction) > LONGEST_INSTRUCTION:
        raise InvalidArgument.field("instruction", f"may have at most {LONGEST_INSTRUCTION} characters")
    return Order(request.category, request.instruction)


def to_texts(request: analysis_pb2.EmbedRequest) -> list[str]:
    """The texts in `request`; raises InvalidArgument naming what is wrong with them."""
    if not 1 <= len(request.texts) <= MAX_TEXTS:
        raise InvalidArgument.field("texts", f"Must be 1 to {MAX_TEXTS} texts.")
    violations = [
        FieldViolation(f"texts.{index}", f"may have at most {MAX_CHARACTERS} characters")
        for index, text in enumerate(request.texts)
        if len(text) > MAX_CHARACTERS
    ]
    if violations:
        raise InvalidArgument("These texts cannot be embedded.", violations=violations)
    return list(request.texts)


def from_analysis(analysis: Analysis) -> analysis_pb2.Analysis:
    """The contract's message."""
    return analysis_pb2.Analysis(
        categories=_from_scores(analysis.categories),
        sentiment=_SENTIMENTS[analysis.sentiment],
        sentiment_score=analysis.sentiment_score,
        priority=_PRIORITIES[analysis.priority],
        priority_reason=analysis.priority_reason,
        language=analysis.language,
        entities=[
            analysis_pb2.Entity(
                kind=_KINDS[fact.kind], value=fact.value, turn=fact.turn, start=fact.start, end=fact.end
            )
            for fact in analysis.entities
        ],
        draft=analysis.draft,
        model=from_model(analysis.model),
        knowledge_version=analysis.knowledge_version,
        usage=_from_usage(analysis.usage),
        fallback=analysis.fallback,
        embedding=analysis.embedding,
        encoder_version=analysis.encoder_version,
        cited=analysis.cited,
        missing=analysis.missing,
        masked=_from_masked(analysis.sent),
        sent_text=analysis.sent.text,
        uncorrected_category=analysis.uncorrected_category,
        learned_share=analysis.learned_share,
    )


def from_explanation(explanation: "Explanation") -> analysis_pb2.ExplainCategoryResponse:
    """The contract's message."""
    return analysis_pb2.ExplainCategoryResponse(
        category=explanation.category,
        categories=_from_scores(explanation.categories),
        phrases=[
            analysis_pb2.Phrase(turn=span.turn, start=span.start, end=span.end, weight=weight)
            for span, weight in explanation.phrases
        ],
        neighbours=[_from_neighbour(case, similarity) for case, similarity in explanation.neighbours],
        knowledge_version=explanation.knowledge_version,
        learned_share=explanation.learned_share,
    )


def _from_neighbour(case: "Case", similarity: float) -> analysis_pb2.Neighbour:
    neighbour = analysis_pb2.Neighbour(category=case.category, similarity=min(similarity, 1.0))
    if case.inquiry_id:
        neighbour.inquiry_id = case.inquiry_id
    else:
        neighbour.example = case.example
    return neighbour


def _from_scores(scores: Iterable[CategoryScore]) -> list[analysis_pb2.CategoryScore]:
    return [analysis_pb2.CategoryScore(category=score.category, confidence=score.confidence) for score in scores]


def from_drafted(drafted: Drafted) -> analysis_pb2.DraftedReply:
    """The contract's message."""
    return analysis_pb2.DraftedReply(
        text=drafted.text,
        model=from_model(drafted.model),
        usage=_from_usage(drafted.usage),
        fallback=drafted.fallback,
        instruction_followed=drafted.instruction_followed,
        cited=drafted.cited,
        missing=drafted.missing,
        masked=_from_masked(drafted.sent),
    )


def from_state(state: State) -> analysis_pb2.ProviderState:
    """The contract's message."""
    message = analysis_pb2.ProviderState(
        model=from_model(state.model),
        circuit=state.circuit,
        last_failure=state.last_failure,
        in_flight=state.in_flight,
        median_ms=state.median_ms,
        fallback=state.fallback,
        masking=state.masking,
    )
    if state.open_until:
        message.open_until.FromDatetime(state.open_until)
    return message


def from_threshold(point: "ThresholdPoint") -> analysis_pb2.ThresholdPoint:
    """The contract's message."""
    return analysis_pb2.ThresholdPoint(threshold=point.threshold, precision=point.precision, coverage=point.coverage)


def from_model(model: Model) -> analysis_pb2.Model:
    """The contract's message."""
    return analysis_pb2.Model(provider=model.provider, name=model.name, prompt_version=model.prompt_version)


def _from_masked(sent: Sent) -> list[analysis_pb2.Masked]:
    return [analysis_pb2.Masked(kind=masked.kind, count=masked.count) for masked in sent.masked]


def _from_usage(usage: Usage) -> analysis_pb2.Usage:
    return analysis_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_micros=usage.cost_micros,
        duration_ms=usage.duration_ms,
    )
