"""The filters of lists, from protobuf to what the storage takes."""

from typing import Any

from pok.inquiry.v1 import inquiry_pb2

from inquiry_service.api import convert


def conditions(message: inquiry_pb2.InquiryFilter) -> dict[str, Any]:
    """All conditions but the query. Raises InvalidArgument."""
    assignees = [convert.uuid_in("assignee_ids", text) for text in message.assignee_ids]
    lists: dict[str, list[Any]] = {
        "category": list(message.categories),
        "language": list(message.languages),
        "sentiment": [convert.SENTIMENT.word(number, "sentiment") for number in message.sentiments],
        "status": [convert.STATUS.word(number, "status") for number in message.statuses],
        "priority": [convert.PRIORITY.word(number, "priority") for number in message.priorities],
        "triage_state": [convert.TRIAGE_STATE.word(number, "triage_state") for number in message.triage_states],
        "assignee_id": [*assignees, None] if message.unassigned else assignees,
        "tag": list(message.tags),
    }
    filters: dict[str, Any] = {name: values for name, values in lists.items() if values}
    if message.HasField("created_from"):
        filters["created_from"] = convert.time_in("created_from", message.created_from)
    if message.HasField("created_before"):
        filters["created_before"] = convert.time_in("created_before", message.created_before)
    if message.HasField("confidence_from"):
        filters["confidence_from"] = message.confidence_from
    if message.HasField("confidence_below"):
        filters["confidence_below"] = message.confidence_below
    return filters
