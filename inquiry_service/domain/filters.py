"""Which inquiries a list holds: what the view shows, it may be filtered and ordered by; anything else would tell what
it hides."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from inquiry_service.domain import text
from inquiry_service.domain.vocabulary import number_of
from inquiry_service.storage.filters import View
from inquiry_service.storage.listing import NEWEST_FIRST, Field, Ordering
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument, PermissionDenied

LONGEST_QUERY = 200
MOST_TAGS = 20
NO_NUMBER = -1

_OF_ALL = frozenset({"category", "status", "created_from", "created_before"})
_OF_PUBLIC = _OF_ALL | {"priority", "triage_state", "language"}
FILTERABLE: Mapping[View, frozenset[str]] = {
    "public": _OF_PUBLIC,
    "customer": _OF_ALL,
    "staff": _OF_PUBLIC | {"sentiment", "assignee_id", "tag", "confidence_from", "confidence_below"},
}
ORDERABLE: Mapping[View, frozenset[Field]] = {
    "public": frozenset({"create_time", "update_time", "priority"}),
    "customer": frozenset({"create_time", "update_time"}),
    "staff": frozenset({"create_time", "update_time", "priority"}),
}


def list_view(principal: Principal) -> View:
    """The view in which a principal lists."""
    if principal.is_staff:
        return "staff"
    return "customer" if principal.role == "user" else "public"


def conditions(view: View, filters: Mapping[str, Any], query: str, principal: Principal) -> dict[str, Any]:
    """What must hold for an inquiry to be in the principal's list, as the storage takes it.

    Raises PermissionDenied (VIEW_LACKS_FIELD) and InvalidArgument.
    """
    _require_fields(view, filters.keys() - FILTERABLE[view], "filtered")
    holds: dict[str, Any] = {
        name: sorted(set(value), key=str) if isinstance(value, list) else value for name, value in filters.items()
    }
    if len(holds.get("tag", ())) > MOST_TAGS:
        raise InvalidArgument.field("tags", f"An inquiry has at most {MOST_TAGS} tags.")
    if view == "customer":
        holds["submitter_id"] = UUID(principal.account_id)
    words = query.strip()
    if len(words) > LONGEST_QUERY:
        raise InvalidArgument.field("query", f"Must have at most {LONGEST_QUERY} characters.")
    if words:
        holds["query"] = text.containing(words)
        holds["number"] = number_of(words) or NO_NUMBER
    return holds


def ordering(view: View, written: str) -> Ordering:
    """What a list is to be ordered by: a field's name, with "-" before it for the highest first; empty = newest first.

    Raises PermissionDenied (VIEW_LACKS_FIELD) and InvalidArgument.
    """
    if not written:
        return NEWEST_FIRST
    name = written.removeprefix("-")
    field = next((field for field in ORDERABLE["staff"] if field == name), None)
    if field is None:
        raise InvalidArgument.field("ordering", f"Must be one of: {', '.join(sorted(ORDERABLE['staff']))}.")
    _require_fields(view, {name} - ORDERABLE[view], "ordered")
    return Ordering(field, descending=written != name)


def _require_fields(view: View, hidden: set[str] | frozenset[str], done: str) -> None:
    if hidden:
        named = sorted(hidden)
        raise PermissionDenied(
            f"Your view of the inquiries has no {', '.join(named)}, so it cannot be {done} by that.",
            reason="VIEW_LACKS_FIELD",
            metadata={"view": view, "fields": ",".join(named)},
        )
