"""The filters of lists as the service takes them."""

from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import UnsetType
from pok.inquiry.v1 import inquiry_pb2

from edge_api.convert import PRIORITY_NUMBER, SENTIMENT_NUMBER, STATUS_NUMBER, TRIAGE_STATE_NUMBER, timestamp_of
from edge_api.schemas.lists import InquiryFilter, InquiryQuery
from runtime.rpc import context
from runtime.rpc.errors import PermissionDenied

T = TypeVar("T")


def list_request(query: InquiryQuery) -> inquiry_pb2.ListInquiriesRequest:
    """The query as the service takes it."""
    return inquiry_pb2.ListInquiriesRequest(
        page_size=query.page_size, page_token=query.page_token, filter=inquiry_filter(query), ordering=query.ordering
    )


def inquiry_filter(query: InquiryFilter) -> inquiry_pb2.InquiryFilter:
    """The conditions as the service takes them."""
    return inquiry_pb2.InquiryFilter(
        categories=query.category,
        sentiments=[SENTIMENT_NUMBER[name] for name in query.sentiment],
        statuses=[STATUS_NUMBER[name] for name in query.status],
        priorities=[PRIORITY_NUMBER[name] for name in query.priority],
        triage_states=[TRIAGE_STATE_NUMBER[name] for name in query.triage_state],
        languages=query.language,
        query=query.q,
        assignee_ids=[_account_id(assignee) for assignee in query.assignee if assignee != "none"],
        unassigned="none" in query.assignee,
        tags=query.tag,
        created_from=_time(query, "created_from"),
        created_before=_time(query, "created_before"),
        confidence_from=_set(query.confidence_from),
        confidence_below=_set(query.confidence_below),
    )


def _account_id(assignee: str) -> str:
    if assignee != "me":
        return assignee
    own = context.principal().account_id
    if not own:
        raise PermissionDenied("Nobody is logged in whom `me` could mean.")
    return own


def _time(query: InquiryFilter, field: str) -> Timestamp | None:
    written = _set(getattr(query, field))
    return None if written is None else timestamp_of(field, written)


def _set(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
