"""Accounts: who people are and what they may do."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from inquiry_service.domain import audit, passwords, text
from inquiry_service.domain.passwords import Passwords
from inquiry_service.domain.roles import require_staff
from inquiry_service.storage import accounts, sessions
from inquiry_service.storage.accounts import AccountRecord
from inquiry_service.storage.database import Connection, Database
from runtime.rpc.context import Principal
from runtime.rpc.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    Unauthenticated,
)

Role = Literal["user", "support", "admin"]
Language = Literal["es", "en"]

LONGEST_NAME = 200


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to have an account; the address as they typed it."""

    email: str
    password: str
    name: str
    role: Role = "user"
    language: str = "es"


class AccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change: any of name, role, language and active; None leaves the password as it is."""

    fields: Mapping[str, Any]
    password: str | None = None


class Accounts:
    """Registers people and lets them change their own account."""

    def __init__(self, database: Database, hashes: Passwords) -> None:
        self._database = database
        self._hashes = hashes

    async def register(self, new: NewAccount) -> None:
        """Register a customer. Does, takes and tells the same for an address that is known, which stays as it is.

        Raises InvalidArgument with every wrong field.
        """
        await self.add(msgspec.structs.replace(new, role="user"))

    async def add(self, new: NewAccount) -> AccountRecord | None:
        """Add an account, whoever asks; None, changing nothing, when the address is taken. Raises InvalidArgument."""
        email, name = normal_email(new.email), new.name.strip()
        wrong: list[FieldViolation] = [
            *text.email_violations("email", email),
            *passwords.violations("password", new.password),
            *_violations({"name": name, "language": new.language, "role": new.role}),
        ]
        if wrong:
            raise InvalidArgument("The account is not complete.", violations=wrong)
        values = {"email": email, "name": name, "role": new.role, "language": new.language}
        password_hash = await self._hashes.hash(new.password)
        async with self._database.transaction() as connection:
            account = await accounts.add(connection, {**values, "password_hash": password_hash})
            if account:
                await audit.record(connection, "account.create", target=str(account.id), detail={"role": account.role})
        return account

    async def has_admin(self) -> bool:
        """Whether there is any administrator."""
        return await accounts.has_admin(self._database)

    async def me(self, principal: Principal) -> AccountRecord:
        """The caller's own account. Raises Unauthenticated (SESSION_ENDED) once it is gone."""
        own = await accounts.by_id(self._database, account_id_of(principal))
        if own is None:
            raise Unauthenticated("This account is gone.", reason="SESSION_ENDED")
        return own

    async def update_me(self, change: AccountChange, current_password: str, principal: Principal) -> AccountRecord:
        """Change the caller's own name, language or password; a new password ends their other sessions.

        Raises InvalidArgument; with reason WRONG_PASSWORD when `current_password` is not it.
        """
        own = (await self.me(principal)).id
        if change.password is None:
            return await self.change(own, change)
        known = await accounts.credentials(self._database, own)
        if known is None or not await self._hashes.matches(known.password_hash, current_password):
            await audit.record(self._database, "account.update", outcome="refused", target=str(own))
            raise _wrong_password()
        return await self.change(own, change, checked=known.password_hash, kept=UUID(principal.session_id))

    async def agents(self, principal: Principal) -> list[AccountRecord]:
        """Everybody to whom inquiries can be assigned, by name. Raises PermissionDenied."""
        require_staff(principal)
        return await accounts.agents(self._database)

    async def change(
        self, id_: UUID, change: AccountChange, *, checked: str | None = None, kept: UUID | None = None
    ) -> AccountRecord:
        """Change an account, whoever asks; another role, another password and deactivation end its sessions but `kept`.

        `checked` is the hash that the present password must still have. Raises InvalidArgument, NotFound and
        FailedPrecondition (LAST_ADMIN).
        """
        wrong = list(_violations(change.fields))
        if change.password is not None:
            wrong += passwords.violations("password", change.password)
        if wrong:
            raise InvalidArgument("The change is not valid.", violations=wrong)
        password_hash = "" if change.password is None else await self._hashes.hash(change.password)
        async with self._database.transaction() as connection:
            if change.fields.get("role", "admin") != "admin" or not change.fields.get("active", True):
                await keep_an_admin(connection, id_)
            before = found(await accounts.lock(connection, id_))
            values = {name: getattr(before, name) for name in ("name", "role", "language", "active")}
            after = await accounts.update(connection, {**values, **change.fields, "id": id_})
            if checked and not await accounts.replace_hash(connection, id_, checked, password_hash):
                raise _wrong_password()
            if change.password and not checked:
                await accounts.set_hash(connection, id_, password_hash)
            if change.password or after.role != before.role or not after.active:
                await sessions.revoke_all(connection, id_, kept=kept)
            await _record(connection, before, after, password=bool(change.password))
        return after


def account_id_of(principal: Principal) -> UUID:
    """Who calls. Raises Unauthenticated for callers without an account."""
    if not principal.account_id:
        raise Unauthenticated("Log in first.")
    return UUID(principal.account_id)


def normal_email(email: str) -> str:
    """The same address however it was typed."""
    return email.strip().lower()


def _violations(fields: Mapping[str, Any]) -> Iterator[FieldViolation]:
    if "name" in fields:
        yield from text.violations("name", fields["name"], LONGEST_NAME)
    for name, words in (("language", get_args(Language)), ("role", get_args(Role))):
        if name in fields and fields[name] not in words:
            yield FieldViolation(name, f"Must be one of: {', '.join(words)}.")


async def keep_an_admin(connection: Connection, id_: UUID) -> None:
    """Raise FailedPrecondition (LAST_ADMIN) if this account is the only active administrator; locks all of them."""
    if await accounts.lock_admins(connection) == {id_}:
        raise FailedPrecondition("This is the last active administrator; make another one first.", reason="LAST_ADMIN")


async def _record(connection: Connection, before: AccountRecord, after: AccountRecord, *, password: bool) -> None:
    changed = [name for name in ("name", "role", "language", "active") if getattr(before, name) != getattr(after, name)]
    detail: dict[str, Any] = {"fields": [*changed, *(["password"] if password else [])]}
    detail |= {name: [getattr(before, name), getattr(after, name)] for name in ("role", "active") if name in changed}
    if detail["fields"]:
        await audit.record(connection, "account.update", target=str(after.id), detail=detail)


def found(account: AccountRecord | None) -> AccountRecord:
    """It. Raises NotFound for None."""
    if account is None:
        raise NotFound("There is no such account.")
    return account


def _wrong_password() -> InvalidArgument:
    wrong = FieldViolation("current_password", "Is not your password.")
    return InvalidArgument("The present password is wrong.", reason="WRONG_PASSWORD", violations=[wrong])
