"""What is asked of the AI service and what it answers ↔ protobuf."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from pok.ai.v1 import analysis_pb2

from inquiry_service.api.convert import AUTHOR, ENTITY_KIND, PRIORITY, SENTIMENT, entity_message
from inquiry_service.domain.analysis import Analysis
from inquiry_service.domain.explaining import Case, Explained, Phrase
from inquiry_service.domain.text import storable
from inquiry_service.domain.vocabulary import reference
from inquiry_service.storage.records import AnalysisInput, CategoryScore, DraftedReply, Usage
from runtime.rpc.errors import InvalidArgument

EMBEDDING_BYTES = 1024
LATER = ("cited", "missing", "sent_text", "uncorrected_category", "learned_share")
"""Fields of a record that those of earlier versions do not have."""


def analyze_request(inquiry_id: str, asked: AnalysisInput, spend_left: int | None) -> analysis_pb2.AnalyzeRequest:
    """What the AI service is asked about an inquiry."""
    return analysis_pb2.AnalyzeRequest(
        inquiry_id=inquiry_id,
        customer_name=asked.customer_name,
        subject=asked.subject,
        conversation=[
            analysis_pb2.Turn(author=AUTHOR.number(turn["author"]), text=turn["body"]) for turn in asked.conversation
        ],
        knowledge_version=asked.knowledge_version,
        spend_left_micros=spend_left,
        sources=[analysis_pb2.Source(**source) for source in asked.sources],
        reference=reference(asked.number),
    )


def analysis(message: analysis_pb2.Analysis) -> Analysis:
    """A result as the domain reads it. Raises InvalidArgument."""
    record: dict[str, Any] = {
        "model": MessageToDict(message.model, preserving_proto_field_name=True),
        "knowledge_version": message.knowledge_version,
        "categories": [{"category": score.category, "confidence": score.confidence} for score in message.categories],
        "sentiment": SENTIMENT.word(message.sentiment, "analysis.sentiment"),
        "sentiment_score": message.sentiment_score,
        "priority": PRIORITY.word(message.priority, "analysis.priority"),
        "priority_reason": message.priority_reason,
        "language": message.language,
        "entities": [_entity(entity) for entity in message.entities],
        "draft": storable(message.draft),
        "input_tokens": message.usage.input_tokens,
        "output_tokens": message.usage.output_tokens,
        "cost_micros": message.usage.cost_micros,
        "duration_ms": message.usage.duration_ms,
        "fallback": message.fallback,
        "cited": list(message.cited),
        "missing": list(map(storable, message.missing)),
        "masked": _masked(message.masked),
        "sent_text": storable(message.sent_text),
        "uncorrected_category": message.uncorrected_category,
        "learned_share": message.learned_share,
    }
    return Analysis(
        categories=[CategoryScore(score.category, score.confidence) for score in message.categories],
        sentiment=record["sentiment"],
        sentiment_score=message.sentiment_score,
        priority=record["priority"],
        priority_reason=message.priority_reason,
        language=message.language,
        draft=record["draft"],
        model=f"{message.model.provider}/{message.model.name}",
        usage=usage(message.usage),
        embedding=_embedding(message),
        encoder_version=message.encoder_version,
        record=record,
    )


def message_of(record: Mapping[str, Any]) -> analysis_pb2.Analysis:
    """A result as it was answered, but for the embedding, which is no part of the record."""
    return analysis_pb2.Analysis(
        categories=[analysis_pb2.CategoryScore(**score) for score in record["categories"]],
        sentiment=SENTIMENT.number(record["sentiment"]),
        sentiment_score=record["sentiment_score"],
        priority=PRIORITY.number(record["priority"]),
        priority_reason=record["priority_reason"],
        language=record["language"],
        entities=[entity_message(entity) for entity in record["entities"]],
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
        masked=[analysis_pb2.Masked(**one) for one in record.get("masked", ())],
        **{name: record[name] for name in LATER if name in record},
    )


def drafted_reply(message: analysis_pb2.DraftedReply) -> DraftedReply:
    """A finished draft."""
    return DraftedReply(
        text=storable(message.text),
        model=MessageToDict(message.model, preserving_proto_field_name=True),
        usage=usage(message.usage),
        fallback=message.fallback,
        instruction_followed=message.instruction_followed,
        cited=list(message.cited),
        missing=list(map(storable, message.missing)),
        masked=_masked(message.masked),
    )


def explained(message: analysis_pb2.ExplainCategoryResponse) -> Explained:
    """Why a category."""
    return Explained(
        category=message.category,
        categories=[CategoryScore(score.category, score.confidence) for score in message.categories],
        phrases=[Phrase(turn=one.turn, start=one.start, end=one.end, weight=one.weight) for one in message.phrases],
        cases=[
            Case(
                inquiry_id=UUID(one.inquiry_id) if one.inquiry_id else None,
                text=one.example,
                category=one.category,
                similarity=one.similarity,
            )
            for one in message.neighbours
        ],
        learned_share=message.learned_share,
    )


def usage(message: analysis_pb2.Usage) -> Usage:
    """What a run took, never below 0."""
    return Usage(
        cost_micros=max(0, message.cost_micros),
        input_tokens=max(0, message.input_tokens),
        output_tokens=max(0, message.output_tokens),
    )


def _masked(messages: Iterable[analysis_pb2.Masked]) -> list[dict[str, Any]]:
    return [{"kind": one.kind, "count": one.count} for one in messages]


def _embedding(message: analysis_pb2.Analysis) -> bytes:
    if message.embedding and len(message.embedding) != EMBEDDING_BYTES:
        raise InvalidArgument.field("analysis.embedding", f"Must have {EMBEDDING_BYTES} bytes.")
    return message.embedding


def _entity(entity: analysis_pb2.Entity) -> dict[str, Any]:
    return {
        "kind": ENTITY_KIND.word(entity.kind, "analysis.entities"),
        "value": entity.value,
        "turn": entity.turn,
        "start": entity.start,
        "end": entity.end,
    }
