"""The taxonomy as admins edit it; every change raises the knowledge version, so that AI processes learn of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from inquiry_service.domain import audit, text, versions
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import categories, knowledge
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.records import Category
from runtime.rpc.context import Principal
from runtime.rpc.errors import AlreadyExists, FailedPrecondition, FieldViolation, InvalidArgument, NotFound

KEY = re.compile(r"[a-z][a-z0-9_]{0,99}")
LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1000
LONGEST_EXAMPLE = 300
MOST_EXAMPLES = 20
MOST_CATEGORIES = 200


class Categories:
    """Reads and changes the taxonomy. Changes raise PermissionDenied unless an administrator calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> list[Category]:
        """All of them in display order."""
        return await categories.all_(self._database)

    async def get(self, key: str) -> Category:
        """One of them. Raises NotFound."""
        return _found(await categories.by_key(self._database, key) if KEY.fullmatch(key) else None)

    async def create(self, key: str, fields: Mapping[str, Any], principal: Principal) -> Category:
        """Add one at the end of the display order. Raises InvalidArgument and AlreadyExists."""
        require_admin(principal)
        wrong = list(_violations(fields))
        if not KEY.fullmatch(key):
            wrong.insert(0, FieldViolation("key", "Must be lower-case letters, digits and _, beginning with a letter."))
        _refuse(wrong)
        async with self._database.transaction() as connection:
            present = await _locked(connection)
            if key in present:
                raise AlreadyExists("There is a category with this key already.", reason="KEY_TAKEN")
            if len(present) >= MOST_CATEGORIES:
                raise FailedPrecondition(f"There are {MOST_CATEGORIES} categories already; more are not kept apart.")
            await categories.add(connection, {**fields, "key": key, "active": True, "position": len(present) + 1})
            await audit.record(connection, "category.create", target=key)
        return await self.get(key)

    async def update(
        self, key: str, fields: Mapping[str, Any], principal: Principal, *, if_version: int = 0
    ) -> Category:
        """Change some fields; another position moves it between the others.

        Raises InvalidArgument, NotFound and FailedPrecondition (LAST_CATEGORY, VERSION_MISMATCH).
        """
        require_admin(principal)
        _refuse(list(_violations(fields)))
        async with self._database.transaction() as connection:
            present = await _locked(connection)
            before = _found(present.get(key))
            versions.require(before.version, if_version)
            if not fields.get("active", True):
                _keep_one_active(present, key)
            values = {name: getattr(before, name) for name in Category.__struct_fields__}
            await categories.update(connection, {**values, **fields})
            if "position" in fields:
                await categories.order(connection, moved(list(present), key, fields["position"]))
            await audit.record(connection, "category.update", target=key, detail={"fields": sorted(fields)})
        return await self.get(key)

    async def delete(self, key: str, principal: Principal) -> None:
        """Remove one that no inquiry has. Raises NotFound and FailedPrecondition (CATEGORY_IN_USE, LAST_CATEGORY)."""
        require_admin(principal)
        async with self._database.transaction() as connection:
            present = await _locked(connection)
            _found(present.get(key))
            _keep_one_active(present, key)
            await categories.delete(connection, key)
            if await categories.is_used(connection, key):
                raise FailedPrecondition(
                    "There are inquiries of this category; switch it off instead.", reason="CATEGORY_IN_USE"
                )
            await categories.order(connection, [other for other in present if other != key])
            await audit.record(connection, "category.delete", target=key)


def moved(keys: list[str], key: str, position: int) -> list[str]:
    """The keys with this one at `position`, counted from 1, or at the end where there are fewer; pure."""
    others = [other for other in keys if other != key]
    return [*others[: position - 1], key, *others[position - 1 :]]


async def _locked(connection: Connection) -> dict[str, Category]:
    # Raising the version first makes admins who change the taxonomy at the same time wait for each other.
    await knowledge.raise_version(connection)
    return {category.key: category for category in await categories.all_(connection)}


def _violations(fields: Mapping[str, Any]) -> Iterator[FieldViolation]:
    for name in ("name_es", "name_en"):
        if name in fields:
            yield from text.violations(name, fields[name], LONGEST_NAME)
    if "description" in fields:
        yield from text.violations("description", fields["description"], LONGEST_DESCRIPTION)
    if len(fields.get("examples", ())) > MOST_EXAMPLES:
        yield FieldViolation("examples", f"Must have at most {MOST_EXAMPLES} examples.")
    for example in fields.get("examples", ()):
        yield from text.violations("examples", example, LONGEST_EXAMPLE)
    if fields.get("position", 1) < 1:
        yield FieldViolation("position", "Must be 1 or more.")


def _refuse(wrong: list[FieldViolation]) -> None:
    if wrong:
        raise InvalidArgument("The category is not valid.", violations=wrong)


def _keep_one_active(present: Mapping[str, Category], key: str) -> None:
    if not any(category.active for category in present.values() if category.key != key):
        raise FailedPrecondition(
            "This is the last active category; make or switch on another one first.", reason="LAST_CATEGORY"
        )


def _found(category: Category | None) -> Category:
    if category is None:
        raise NotFound("There is no such category.")
    return category
