"""What happened to one inquiry."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_staff
from inquiry_service.storage import decisions, events
from inquiry_service.storage.database import Database
from inquiry_service.storage.events import EventRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound

DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 100, 500
POSITION_BYTES = 8


class EventPage(NamedTuple):
    """Oldest first; the token is empty at the end."""

    items: list[EventRecord]
    next_page_token: str


class Timeline:
    """Reads events for staff."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        self._database = database
        self._tokens = tokens

    async def list(
        self, inquiry_id: UUID, kinds: Sequence[str], size: int, page_token: str, principal: Principal
    ) -> EventPage:
        """A page of events, of these kinds or all. Raises PermissionDenied, InvalidArgument, NotFound."""
        require_staff(principal)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = ("events", inquiry_id, *sorted(kinds))
        after = int.from_bytes(self._tokens.open(page_token, *binding)) if page_token else 0
        listed = await events.of_inquiry(self._database, inquiry_id, kinds, after=after, size=limit + 1)
        if not listed and not page_token and not (kinds and await decisions.exists(self._database, inquiry_id)):
            raise NotFound("There is no such inquiry.")
        items, more = listed[:limit], len(listed) > limit
        position = items[-1].number.to_bytes(POSITION_BYTES) if items else b""
        return EventPage(items, self._tokens.seal(position, *binding) if more else "")
