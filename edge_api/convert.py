"""Between protobuf and the API's Structs. Field by field and without json_format, which costs several times as much."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import UNSET
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2

from edge_api.schemas.bulk import BulkFields
from edge_api.schemas.drafting import Masked
from edge_api.schemas.fields import EntityKind, Priority, Sentiment, Status, TriageState
from edge_api.schemas.inquiries import (
    Alternative,
    CreatedInquiry,
    CustomerInquiry,
    CustomerPage,
    Entity,
    InquiryChange,
    InquiryPage,
    InquiryView,
    Model,
    PublicInquiry,
    PublicPage,
    StaffInquiry,
    StaffPage,
)
from edge_api.schemas.journal import Actor, Event
from edge_api.schemas.search import Match, MatchKind
from edge_api.schemas.transfer import ExportedInquiry
from runtime.rpc.errors import InvalidArgument

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def names(enum: Any, prefix: str) -> dict[int, Any]:
    """The numbers of a protobuf enum with the API's words for them; unspecified has none."""
    return {number: name.removeprefix(prefix).lower() for name, number in enum.items() if number}


def numbers(words: Mapping[int, str]) -> dict[str, Any]:
    """The same the other way round."""
    return {word: number for number, word in words.items()}


ACTOR: Mapping[int, Actor] = names(inquiry_pb2.Actor, "ACTOR_")
STATUS: Mapping[int, Status] = names(inquiry_pb2.InquiryStatus, "INQUIRY_STATUS_")
TRIAGE_STATE: Mapping[int, TriageState] = names(inquiry_pb2.TriageState, "TRIAGE_STATE_")
PRIORITY: Mapping[int, Priority] = names(analysis_pb2.Priority, "PRIORITY_")
SENTIMENT: Mapping[int, Sentiment] = names(analysis_pb2.Sentiment, "SENTIMENT_")
ENTITY_KIND: Mapping[int, EntityKind] = names(analysis_pb2.EntityKind, "ENTITY_KIND_")
MATCH_KIND: Mapping[str, MatchKind] = {kind: kind for kind in get_args(MatchKind)}
STATUS_NUMBER = numbers(STATUS)
TRIAGE_STATE_NUMBER = numbers(TRIAGE_STATE)
PRIORITY_NUMBER = numbers(PRIORITY)
SENTIMENT_NUMBER = numbers(SENTIMENT)


def public_inquiry(inquiry: inquiry_pb2.Inquiry) -> PublicInquiry:
    """The view without personal data."""
    return PublicInquiry(
        id=inquiry.id,
        reference=inquiry.reference,
        category=inquiry.category or None,
        status=STATUS[inquiry.status],
        priority=PRIORITY.get(inquiry.priority),
        triage_state=TRIAGE_STATE[inquiry.triage_state],
        language=inquiry.language or None,
        create_time=time_of(inquiry.create_time),
        update_time=time_of(inquiry.update_time),
    )


def customer_inquiry(inquiry: inquiry_pb2.Inquiry) -> CustomerInquiry:
    """The view of the customer who sent it."""
    return CustomerInquiry(
        id=inquiry.id,
        reference=inquiry.reference,
        customer_name=inquiry.customer_name,
        customer_email=inquiry.customer_email,
        subject=inquiry.subject,
        message=inquiry.message or None,
        snippet=inquiry.snippet,
        category=inquiry.category or None,
        status=STATUS[inquiry.status],
        create_time=time_of(inquiry.create_time),
        update_time=time_of(inquiry.update_time),
    )


def staff_inquiry(inquiry: inquiry_pb2.Inquiry) -> StaffInquiry:
    """Everything."""
    return StaffInquiry(
        id=inquiry.id,
        reference=inquiry.reference,
        customer_name=inquiry.customer_name,
        customer_email=inquiry.customer_email,
        subject=inquiry.subject,
        message=inquiry.message or None,
        snippet=inquiry.snippet,
        status=STATUS[inquiry.status],
        priority=PRIORITY.get(inquiry.priority),
        priority_reason=inquiry.priority_reason or None,
        category=inquiry.category or None,
        suggested_category=inquiry.suggested_category or None,
        category_confidence=inquiry.category_confidence if inquiry.HasField("category_confidence") else None,
        alternatives=[Alternative(score.category, score.confidence) for score in inquiry.alternatives],
        sentiment=SENTIMENT.get(inquiry.sentiment),
        sentiment_score=inquiry.sentiment_score if inquiry.HasField("sentiment_score") else None,
        language=inquiry.language or None,
        triage_state=TRIAGE_STATE[inquiry.triage_state],
        triage_reason=inquiry.triage_reason or None,
        suggested_reply=inquiry.suggested_reply or None,
        entities=[entity(fact) for fact in inquiry.entities],
        model=model_of(inquiry.model) if inquiry.HasField("model") else None,
        assignee_id=inquiry.assignee_id or None,
        tags=list(inquiry.tags),
        external_id=inquiry.external_id or None,
        matches=[_match(match) for match in inquiry.matches],
        human_fields=list(inquiry.human_fields),
        version=inquiry.version,
        create_time=time_of(inquiry.create_time),
        update_time=time_of(inquiry.update_time),
        first_response_time=time_of(inquiry.first_response_time) if inquiry.HasField("first_response_time") else None,
        resolve_time=time_of(inquiry.resolve_time) if inquiry.HasField("resolve_time") else None,
        consent_version=inquiry.consent_version or None,
        consent_time=time_of(inquiry.consent_time) if inquiry.HasField("consent_time") else None,
    )


def exported_inquiry(inquiry: inquiry_pb2.Inquiry) -> ExportedInquiry:
    """As much as an export holds."""
    return ExportedInquiry(
        id=inquiry.id,
        reference=inquiry.reference,
        external_id=inquiry.external_id or None,
        customer_name=inquiry.customer_name,
        customer_email=inquiry.customer_email,
        subject=inquiry.subject,
        message=inquiry.message,
        status=STATUS[inquiry.status],
        category=inquiry.category or None,
        category_confidence=inquiry.category_confidence if inquiry.HasField("category_confidence") else None,
        priority=PRIORITY.get(inquiry.priority),
        sentiment=SENTIMENT.get(inquiry.sentiment),
        sentiment_score=inquiry.sentiment_score if inquiry.HasField("sentiment_score") else None,
        language=inquiry.language or None,
        tags=list(inquiry.tags),
        assignee_id=inquiry.assignee_id or None,
        triage_state=TRIAGE_STATE[inquiry.triage_state],
        version=inquiry.version,
        create_time=time_of(inquiry.create_time),
        update_time=time_of(inquiry.update_time),
        first_response_time=time_of(inquiry.first_response_time) if inquiry.HasField("first_response_time") else None,
        resolve_time=time_of(inquiry.resolve_time) if inquiry.HasField("resolve_time") else None,
    )


VIEWS: Mapping[int, Callable[[inquiry_pb2.Inquiry], InquiryView]] = {
    inquiry_pb2.INQUIRY_VIEW_PUBLIC: public_inquiry,
    inquiry_pb2.INQUIRY_VIEW_CUSTOMER: customer_inquiry,
    inquiry_pb2.INQUIRY_VIEW_STAFF: staff_inquiry,
}
PAGES: Mapping[int, type[Any]] = {
    inquiry_pb2.INQUIRY_VIEW_PUBLIC: PublicPage,
    inquiry_pb2.INQUIRY_VIEW_CUSTOMER: CustomerPage,
    inquiry_pb2.INQUIRY_VIEW_STAFF: StaffPage,
}


def created_inquiry(response: inquiry_pb2.CreateInquiryResponse) -> CreatedInquiry:
    """The answer to a new inquiry."""
    inquiry = response.inquiry
    return CreatedInquiry(
        id=inquiry.id,
        reference=inquiry.reference,
        tracking_token=response.tracking_token,
        customer_name=inquiry.customer_name,
        customer_email=inquiry.customer_email,
        subject=inquiry.subject,
        status=STATUS[inquiry.status],
        triage_state=TRIAGE_STATE[inquiry.triage_state],
        category=inquiry.category or None,
        create_time=time_of(inquiry.create_time),
        update_time=time_of(inquiry.update_time),
    )


def inquiry_page(response: inquiry_pb2.ListInquiriesResponse) -> InquiryPage:
    """One page in the view that the service has filled."""
    view = VIEWS[response.view]
    of_search = {"meaning": response.meaning or None} if view is staff_inquiry else {}
    page: InquiryPage = PAGES[response.view](
        items=[view(inquiry) for inquiry in response.inquiries],
        next_page_token=response.next_page_token or None,
        previous_page_token=response.previous_page_token or None,
        total=response.total,
        total_is_estimate=response.total_is_estimate,
        **of_search,
    )
    return page


def event(message: inquiry_pb2.Event) -> Event:
    """One thing that happened."""
    body: dict[str, Any] = msgspec.json.decode(message.body_json)
    return Event(
        number=message.number,
        version=message.version,
        kind=message.kind,
        actor=ACTOR[message.actor],
        actor_id=message.actor_id or None,
        changes=body.pop("changes", {}),
        detail=body,
        create_time=time_of(message.create_time),
    )


def update_request(inquiry_id: str, change: InquiryChange, if_version: int) -> inquiry_pb2.UpdateInquiryRequest:
    """The change as the service takes it."""
    values, mask = changed_fields(change)
    return inquiry_pb2.UpdateInquiryRequest(
        id=inquiry_id,
        inquiry=values,
        update_mask=mask,
        add_tags=change.add_tags,
        remove_tags=change.remove_tags,
        if_version=if_version,
    )


def changed_fields(change: InquiryChange | BulkFields) -> tuple[inquiry_pb2.Inquiry, FieldMask]:
    """The values that were sent, and the mask that names them; tags are not among them."""
    numbers = {"sentiment": SENTIMENT_NUMBER, "priority": PRIORITY_NUMBER, "status": STATUS_NUMBER}
    values: dict[str, Any] = {}
    for name in ("category", "sentiment", "priority", "status", "assignee_id"):
        value = getattr(change, name, UNSET)
        if value is not UNSET:
            values[name] = numbers[name][value] if name in numbers else value or ""
    return inquiry_pb2.Inquiry(**values), FieldMask(paths=list(values))


def timestamp_of(field: str, written: str) -> Timestamp:
    """An ISO 8601 time. Raises InvalidArgument for one that there is not, or that is out of range in UTC."""
    timestamp = Timestamp()
    try:
        timestamp.FromDatetime(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        raise InvalidArgument.field(field, f"{field} must be a time between the years 1 and 9999.") from None
    return timestamp


def _match(match: inquiry_pb2.Match) -> Match:
    similarity = match.similarity if match.HasField("similarity") else None
    return Match(MATCH_KIND.get(match.kind), match.excerpt or None, similarity)


def model_of(model: analysis_pb2.Model) -> Model:
    """What answered."""
    return Model(model.provider, model.name, model.prompt_version or None)


def masked_kinds(masked: Iterable[analysis_pb2.Masked]) -> list[Masked]:
    """What was hidden from a provider."""
    return [Masked(kind=one.kind, count=one.count) for one in masked]


def entity(message: analysis_pb2.Entity) -> Entity:
    """A fact."""
    return Entity(ENTITY_KIND.get(message.kind), message.value, message.turn, message.start, message.end)


def time_of(timestamp: Timestamp) -> datetime:
    """UTC."""
    return EPOCH + timedelta(0, timestamp.seconds, timestamp.nanos // 1000)
