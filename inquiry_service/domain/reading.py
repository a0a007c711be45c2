"""Reading inquiries: which view a principal gets, which filters that view allows, and how pages are opened."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain import text
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.settings import Settings
from inquiry_service.domain.vocabulary import number_of
from inquiry_service.storage import inquiries, listing
from inquiry_service.storage.database import Database
from inquiry_service.storage.listing import View
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100
LONGEST_QUERY = 200
NO_NUMBER = -1

# What each view shows, it may be filtered by; anything else would tell what it hides.
FILTERABLE: Mapping[View, frozenset[str]] = {
    "public": frozenset({"category", "status", "priority", "triage_state", "language"}),
    "customer": frozenset({"category", "status"}),
    "staff": frozenset({"category", "status", "priority", "triage_state", "language", "sentiment"}),
}


class Listed(msgspec.Struct, frozen=True):
    """One page, newest first; a token is empty where there is no page."""

    items: list[InquiryRecord]
    view: View
    next_page_token: str
    previous_page_token: str
    total: int
    total_is_estimate: bool


class Reading:
    """Reads for a principal. Without an account, only while the setting `public_read` lets everybody."""

    def __init__(self, database: Database, settings: Settings, tokens: PageTokens) -> None:
        self._database = database
        self._settings = settings
        self._tokens = tokens

    async def get(self, id_: UUID, principal: Principal) -> tuple[View, InquiryRecord]:
        """One inquiry in the fullest view that the principal may see. Raises NotFound and Unauthenticated."""
        self._admit(principal)
        view: View = list_view(principal)
        found: InquiryRecord | None = None
        if view == "staff":
            found = await inquiries.for_staff(self._database, id_)
        elif view == "customer":
            found = await inquiries.for_customer(self._database, id_, UUID(principal.account_id))
        if found is None and view != "staff":
            view, found = "public", await inquiries.for_public(self._database, id_)
        if found is None:
            raise NotFound("There is no such inquiry.")
        return view, found

    async def list(
        self, filters: Mapping[str, Sequence[str]], query: str, size: int, page_token: str, principal: Principal
    ) -> Listed:
        """A page of what the principal may list.

        Raises InvalidArgument (page size, query, BAD_PAGE_TOKEN), PermissionDenied (VIEW_LACKS_FIELD) and
        Unauthenticated (PUBLIC_READ_OFF).
        """
        self._admit(principal)
        view = list_view(principal)
        conditions = _conditions(view, filters, query, principal)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = (view, sorted((name, str(value)) for name, value in conditions.items()))
        after, before = self._open(page_token, binding)
        page = await listing.page(self._database, view, conditions, size=limit, after=after, before=before)
        older = page.more if before is None else bool(page.items)
        newer = page.more if before is not None else after is not None
        return Listed(
            page.items,
            view,
            self._seal("<", page.items[-1].id, binding) if page.items and older else "",
            self._seal(">", page.items[0].id, binding) if page.items and newer else "",
            page.total,
            page.total_is_estimate,
        )

    def _admit(self, principal: Principal) -> None:
        if principal.role == "anonymous" and not self._settings.values.public_read:
            raise Unauthenticated("Inquiries are not public here. Log in first.", reason="PUBLIC_READ_OFF")

    def _seal(self, direction: str, id_: UUID, binding: tuple[Any, ...]) -> str:
        return self._tokens.seal(direction.encode() + id_.bytes, *binding)

    def _open(self, token: str, binding: tuple[Any, ...]) -> tuple[UUID | None, UUID | None]:
        if not token:
            return None, None
        position = self._tokens.open(token, *binding)
        id_ = UUID(bytes=position[1:])
        return (id_, None) if position[:1] == b"<" else (None, id_)


def list_view(principal: Principal) -> View:
    """The view in which a principal lists."""
    if principal.is_staff:
        return "staff"
    return "customer" if principal.role == "user" else "public"


def _conditions(view: View, filters: Mapping[str, Sequence[str]], query: str, principal: Principal) -> dict[str, Any]:
    conditions: dict[str, Any] = {name: sorted(set(values)) for name, values in filters.items() if values}
    hidden = sorted(conditions.keys() - FILTERABLE[view])
    if hidden:
        raise PermissionDenied(
            f"Your view of the inquiries has no {', '.join(hidden)}, so it cannot be filtered by that.",
            reason="VIEW_LACKS_FIELD",
            metadata={"fields": ",".join(hidden)},
        )
    if view == "customer":
        conditions["submitter_id"] = UUID(principal.account_id)
    words = query.strip()
    if len(words) > LONGEST_QUERY:
        raise InvalidArgument.field("query", f"Must have at most {LONGEST_QUERY} characters.")
    if words:
        conditions["query"] = text.containing(words)
        conditions["number"] = number_of(words) or NO_NUMBER
    return conditions
