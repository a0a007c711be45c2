"""Reading inquiries: which view a principal gets, and how pages are opened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain.filters import conditions, list_view, ordering
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.searching import Searching
from inquiry_service.domain.settings import Settings
from inquiry_service.storage import inquiries, listing
from inquiry_service.storage.database import Database
from inquiry_service.storage.filters import View
from inquiry_service.storage.listing import Position
from inquiry_service.storage.records import InquiryRecord
from inquiry_service.storage.totals import Totals
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound, Unauthenticated

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100

SEARCHED_OTHERWISE = frozenset({"query", "number"})
"""Conditions by which others find what they look for; for staff everything is searched, by fit."""

Sealed = tuple[bool, bytes, datetime | int | None]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be listed: `filters` as the storage takes them, `ordering` as it is written; 0 is the default size."""

    filters: Mapping[str, Any] = {}
    text: str = ""
    ordering: str = ""
    page_size: int = 0
    page_token: str = ""


class Listed(msgspec.Struct, frozen=True):
    """One page in the order that was asked for; a token is empty where there is no page."""

    items: list[InquiryRecord]
    view: View
    next_page_token: str
    previous_page_token: str
    total: int
    total_is_estimate: bool
    meaning: str = ""
    """Of a search by staff; see `Found`."""


class Reading:
    """Reads for a principal. Without an account, only while the setting `public_read` lets everybody."""

    def __init__(self, database: Database, settings: Settings, tokens: PageTokens, searching: Searching) -> None:
        self._searching = searching
        self._database = database
        self._settings = settings
        self._tokens = tokens
        self._totals = Totals()

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

    async def list(self, query: Query, principal: Principal) -> Listed:
        """A page of what the principal may list; with a text, for staff what fits it best, whatever the ordering.

        Raises InvalidArgument (page size, query, ordering, BAD_PAGE_TOKEN), PermissionDenied (VIEW_LACKS_FIELD) and
        Unauthenticated (PUBLIC_READ_OFF).
        """
        self._admit(principal)
        view = list_view(principal)
        holds = conditions(view, query.filters, query.text, principal)
        limit = page_size(query.page_size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        order = ordering(view, query.ordering)
        if view == "staff" and (text := query.text.strip()):
            filters = {name: value for name, value in holds.items() if name not in SEARCHED_OTHERWISE}
            found = await self._searching.search(filters, text, limit, query.page_token)
            return Listed(view=view, **msgspec.structs.asdict(found))
        binding = (view, sorted((name, str(value)) for name, value in holds.items()), order)
        position = self._open(query.page_token, binding)
        page = await listing.page(
            self._database, self._totals, view, holds, size=limit, ordering=order, position=position
        )
        items, backwards = page.items, position is not None and position.backwards
        follows = bool(items) if backwards else page.more
        precedes = page.more if backwards else position is not None
        return Listed(
            items,
            view,
            self._seal(listing.position_of(items[-1], order), binding) if items and follows else "",
            self._seal(listing.position_of(items[0], order, backwards=True), binding) if items and precedes else "",
            page.total,
            page.total_is_estimate,
        )

    def _admit(self, principal: Principal) -> None:
        if principal.role == "anonymous" and not self._settings.values.public_read:
            raise Unauthenticated("Inquiries are not public here. Log in first.", reason="PUBLIC_READ_OFF")

    def _seal(self, position: Position, binding: tuple[Any, ...]) -> str:
        return self._tokens.seal(
            msgspec.msgpack.encode((position.backwards, position.id.bytes, position.key)), *binding
        )

    def _open(self, token: str, binding: tuple[Any, ...]) -> Position | None:
        if not token:
            return None
        backwards, id_, key = msgspec.msgpack.decode(self._tokens.open(token, *binding), type=Sealed)
        return Position(UUID(bytes=id_), key, backwards)
