"""Domain ↔ protobuf."""

from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2, knowledge_pb2

from inquiry_service.domain.vocabulary import reference
from inquiry_service.storage.events import EventRecord
from inquiry_service.storage.records import (
    Category,
    InquiryRecord,
    SimilarRecord,
)
from runtime.rpc.errors import InvalidArgument, NotFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Words:
    """An enum's values as the domain's words: SENTIMENT_NEGATIVE ↔ "negative"; unspecified ↔ None."""

    def __init__(self, enum: EnumDescriptor) -> None:
        prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
        self._words = {value.number: value.name.removeprefix(prefix).lower() for value in enum.values if value.number}
        self._numbers = {word: number for number, word in self._words.items()}

    def number(self, word: str | None) -> Any:
        """The enum's number; 0 for None."""
        return self._numbers[word] if word else 0

    def word(self, number: int, field: str) -> str:
        """The domain's word. Raises InvalidArgument for unspecified and unknown numbers."""
        word = self._words.get(number)
        if word is None:
            raise InvalidArgument.field(field, f"Must be one of: {', '.join(self._numbers)}.")
        return word


STATUS = Words(inquiry_pb2.InquiryStatus.DESCRIPTOR)
TRIAGE_STATE = Words(inquiry_pb2.TriageState.DESCRIPTOR)
VIEW = Words(inquiry_pb2.InquiryView.DESCRIPTOR)
SENTIMENT = Words(analysis_pb2.Sentiment.DESCRIPTOR)
PRIORITY = Words(analysis_pb2.Priority.DESCRIPTOR)
ACTOR = Words(inquiry_pb2.Actor.DESCRIPTOR)
AUTHOR = Words(analysis_pb2.Author.DESCRIPTOR)
ENTITY_KIND = Words(analysis_pb2.EntityKind.DESCRIPTOR)


def uuid_of(text: str, *, missing: str = "There is no such inquiry.") -> UUID:
    """The id of something that must exist; raises NotFound for what cannot be an id."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(missing) from None


def uuid_in(field: str, text: str) -> UUID:
    """The UUID in a field. Raises InvalidArgument."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidArgument.field(field, "Must be a UUID.") from None


def time_in(field: str, time: Timestamp) -> datetime:
    """The time in a field, UTC. Raises InvalidArgument for one before the year 1 or after 9999."""
    try:
        return time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.field(field, "Must be a time between the years 1 and 9999.") from None


def masked(mask: FieldMask, allowed: Set[str]) -> set[str]:
    """The fields that a mask names. Raises InvalidArgument for others than those allowed."""
    paths = set(mask.paths)
    unknown = sorted(paths - allowed)
    if unknown:
        raise InvalidArgument.field("update_mask", f"These fields cannot be changed: {', '.join(unknown)}.")
    return paths


def stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A message's fields by the names of their columns; `inactive` alone is kept the other way round, as `active`."""
    columns = dict(fields)
    if "inactive" in columns:
        columns["active"] = not columns.pop("inactive")
    return columns


def timestamp(time: datetime) -> Timestamp:
    """The time as a message of its own."""
    message = Timestamp()
    set_time(message, time)
    return message


def set_time(message: Timestamp, time: datetime) -> None:
    """By hand, since FromDatetime takes three times as long; in place, since a field copies what it is given."""
    since = time - _EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1000


def inquiry_message(record: InquiryRecord) -> inquiry_pb2.Inquiry:
    """As much of the inquiry as its view has read; nothing is made of what is not there, since lists are a hot path."""
    message = inquiry_pb2.Inquiry(
        id=str(record.id),
        reference=reference(record.number),
        customer_name=record.customer_name,
        customer_email=record.customer_email,
        subject=record.subject,
        message=record.message,
        snippet=record.snippet,
        status=STATUS.number(record.status),
        priority=PRIORITY.number(record.priority),
        priority_reason=record.priority_reason or "",
        category=record.category or "",
        suggested_category=record.suggested_category or "",
        category_confidence=record.category_confidence,
        sentiment=SENTIMENT.number(record.sentiment),
        sentiment_score=record.sentiment_score,
        language=record.language or "",
        triage_state=TRIAGE_STATE.number(record.triage_state),
        triage_reason=record.triage_reason or "",
        suggested_reply=record.draft or "",
        assignee_id=str(record.assignee_id or ""),
        tags=record.tags,
        external_id=record.external_id or "",
        human_fields=sorted(record.human_versions),
        version=record.version,
        consent_version=record.consent_version or "",
    )
    set_time(message.create_time, record.create_time)
    set_time(message.update_time, record.update_time)
    if record.first_response_time:
        set_time(message.first_response_time, record.first_response_time)
    if record.resolve_time:
        set_time(message.resolve_time, record.resolve_time)
    if record.consent_time:
        set_time(message.consent_time, record.consent_time)
    for score in record.alternatives:
        message.alternatives.add(**score)
    for match in record.matches:
        message.matches.add(**msgspec.structs.asdict(match))
    if record.run:
        message.entities.extend(map(entity_message, record.run.get("entities", ())))
        message.model.CopyFrom(analysis_pb2.Model(**record.run["model"]))
    return message


def similar_message(record: SimilarRecord) -> inquiry_pb2.SimilarInquiry:
    """A look-alike with the answer that was sent."""
    return inquiry_pb2.SimilarInquiry(
        inquiry=inquiry_message(record.inquiry),
        similarity=min(1.0, record.similarity),
        reply=record.reply,
        reply_time=timestamp(record.reply_time) if record.reply_time else None,
    )


def event_message(event: EventRecord) -> inquiry_pb2.Event:
    """One thing that happened."""
    return inquiry_pb2.Event(
        number=event.number,
        version=event.version,
        kind=event.kind,
        actor=ACTOR.number(event.actor),
        actor_id=str(event.actor_id or ""),
        body_json=msgspec.json.encode(event.body).decode(),
        create_time=timestamp(event.create_time),
    )


def category_message(category: Category) -> knowledge_pb2.Category:
    """The category with all that is known of it."""
    return knowledge_pb2.Category(
        key=category.key,
        name_es=category.name_es,
        name_en=category.name_en,
        description=category.description,
        examples=category.examples,
        inactive=not category.active,
        position=category.position,
        version=category.version,
    )


def entity_message(entity: Mapping[str, Any]) -> analysis_pb2.Entity:
    """A fact as it was kept."""
    return analysis_pb2.Entity(**{**entity, "kind": ENTITY_KIND.number(entity["kind"])})
