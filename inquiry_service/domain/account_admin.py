"""Accounts as administrators see and change them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from inquiry_service.domain import audit, text
from inquiry_service.domain.accounts import (
    AccountChange,
    Accounts,
    NewAccount,
    account_id_of,
    found,
    keep_an_admin,
)
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import accounts
from inquiry_service.storage.accounts import AccountRecord
from inquiry_service.storage.database import Database
from runtime.rpc.context import Principal
from runtime.rpc.errors import AlreadyExists, InvalidArgument

LONGEST_QUERY = 200
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 20, 100


class AccountPage(NamedTuple):
    """Newest first; the token is empty at the end."""

    items: list[AccountRecord]
    next_page_token: str


class AccountAdmin:
    """Every operation raises PermissionDenied unless an administrator calls."""

    def __init__(self, database: Database, accounts_: Accounts, tokens: PageTokens) -> None:
        self._database = database
        self._accounts = accounts_
        self._tokens = tokens

    async def list(
        self, *, roles: Sequence[str], active: bool | None, query: str, size: int, page_token: str, principal: Principal
    ) -> AccountPage:
        """A page of accounts, newest first. Raises InvalidArgument."""
        require_admin(principal)
        if len(query) > LONGEST_QUERY:
            raise InvalidArgument.field("query", f"Must have at most {LONGEST_QUERY} characters.")
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = ("accounts", sorted(roles), active, query)
        before = UUID(bytes=self._tokens.open(page_token, *binding)) if page_token else None
        pattern = text.containing(query) if query else None
        listed = await accounts.page(
            self._database, size=limit + 1, before=before, roles=roles, active=active, pattern=pattern
        )
        items, more = listed[:limit], len(listed) > limit
        return AccountPage(items, self._tokens.seal(items[-1].id.bytes, *binding) if more else "")

    async def get(self, id_: UUID, principal: Principal) -> AccountRecord:
        """One account. Raises NotFound."""
        require_admin(principal)
        return found(await accounts.by_id(self._database, id_))

    async def create(self, new: NewAccount, principal: Principal) -> AccountRecord:
        """Add an account. Raises InvalidArgument and AlreadyExists (ADDRESS_TAKEN)."""
        require_admin(principal)
        account = await self._accounts.add(new)
        if account is None:
            raise AlreadyExists("There is an account with this address already.", reason="ADDRESS_TAKEN")
        return account

    async def update(self, id_: UUID, change: AccountChange, principal: Principal) -> AccountRecord:
        """Change an account. Raises InvalidArgument, NotFound and FailedPrecondition (LAST_ADMIN)."""
        require_admin(principal)
        return await self._accounts.change(id_, change)

    async def delete(self, id_: UUID, principal: Principal) -> None:
        """Remove an account; its inquiries stay. Raises NotFound and FailedPrecondition (LAST_ADMIN)."""
        require_admin(principal)
        async with self._database.transaction() as connection:
            await keep_an_admin(connection, id_)
            before = found(await accounts.lock(connection, id_))
            await accounts.delete(connection, id_, account_id_of(principal))
            await audit.record(connection, "account.delete", target=str(id_), detail={"role": before.role})
