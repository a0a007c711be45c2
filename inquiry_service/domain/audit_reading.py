"""The audit log as administrators read it."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, get_args

import msgspec

from inquiry_service.domain import audit
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage.audit import AuditFilter, AuditRecord, page
from inquiry_service.storage.database import Database
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument

DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 50, 100
BATCH = 500
POSITION_BYTES = 8


class AuditPage(NamedTuple):
    """Newest first; the token is empty at the end."""

    items: Sequence[AuditRecord]
    next_page_token: str


class AuditReading:
    """Every operation raises PermissionDenied unless an administrator calls, and InvalidArgument for a wrong filter."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        self._database = database
        self._tokens = tokens

    async def list(self, filter_: AuditFilter, size: int, page_token: str, principal: Principal) -> AuditPage:
        """A page of entries."""
        require_admin(principal)
        _check(filter_)
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = ("audit", filter_)
        before = int.from_bytes(self._tokens.open(page_token, *binding)) if page_token else None
        listed = await page(self._database, filter_, before=before, size=limit + 1)
        items, more = listed[:limit], len(listed) > limit
        position = items[-1].number.to_bytes(POSITION_BYTES) if items else b""
        return AuditPage(items, self._tokens.seal(position, *binding) if more else "")

    async def export(self, filter_: AuditFilter, principal: Principal) -> AsyncIterator[Sequence[AuditRecord]]:
        """All entries in batches, of which the first may be empty; who exports what is recorded before."""
        require_admin(principal)
        _check(filter_)
        asked = {name: value for name, value in msgspec.to_builtins(filter_).items() if value}
        await audit.record(self._database, "audit.export", detail=asked)
        batch = await page(self._database, filter_, before=None, size=BATCH)
        yield batch
        while len(batch) == BATCH:
            batch = await page(self._database, filter_, before=batch[-1].number, size=BATCH)
            yield batch


def _check(filter_: AuditFilter) -> None:
    outcomes = get_args(audit.Outcome)
    if filter_.outcome and filter_.outcome not in outcomes:
        raise InvalidArgument.field("outcome", f"Must be one of: {', '.join(outcomes)}.")
