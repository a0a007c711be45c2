"""Replies that agents insert with a few keys; the dashboard fills their variables in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from inquiry_service.domain import audit, text, versions
from inquiry_service.domain.roles import require_admin, require_staff
from inquiry_service.storage import canned_replies, inquiries
from inquiry_service.storage.canned_replies import CannedReply, TitleTakenError
from inquiry_service.storage.database import Connection, Database
from runtime.rpc.context import Principal
from runtime.rpc.errors import AlreadyExists, FailedPrecondition, FieldViolation, InvalidArgument, NotFound

LONGEST_TITLE = 100
LONGEST_BODY = 10_000
MOST = 1000
VARIABLES = ("customer_name", "reference", "subject", "agent_name")

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class CannedReplies:
    """Reads for staff, changes for administrators; PermissionDenied for everybody else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, language: str, category: str, principal: Principal) -> list[CannedReply]:
        """By language and title; empty filters leave nothing out."""
        require_staff(principal)
        return await canned_replies.list_(
            self._database, language=text.language_tag(language) or None, category=category or None, most=MOST
        )

    async def get(self, id_: UUID, principal: Principal) -> CannedReply:
        """One of them. Raises NotFound."""
        require_staff(principal)
        return _found(await canned_replies.by_id(self._database, id_))

    async def create(self, fields: Mapping[str, Any], principal: Principal) -> CannedReply:
        """Add one. Raises InvalidArgument and AlreadyExists (TITLE_TAKEN)."""
        require_admin(principal)
        async with self._database.transaction() as connection:
            values = await _checked(connection, fields)
            try:
                created = await canned_replies.add(connection, values, most=MOST)
            except TitleTakenError:
                raise _taken() from None
            if created is None:
                raise FailedPrecondition(f"There are {MOST} canned replies already; remove some first.")
            await audit.record(connection, "canned_reply.create", target=str(created.id))
        return created

    async def update(
        self, id_: UUID, fields: Mapping[str, Any], principal: Principal, *, if_version: int = 0
    ) -> CannedReply:
        """Change some fields.

        Raises InvalidArgument, NotFound, AlreadyExists (TITLE_TAKEN) and FailedPrecondition (VERSION_MISMATCH).
        """
        require_admin(principal)
        async with self._database.transaction() as connection:
            before = _found(await canned_replies.lock(connection, id_))
            versions.require(before.version, if_version)
            kept = {name: getattr(before, name) for name in ("title", "body", "language", "category")}
            values = await _checked(connection, fields)
            try:
                after = await canned_replies.update(connection, {**kept, **values, "id": id_})
            except TitleTakenError:
                raise _taken() from None
            await audit.record(connection, "canned_reply.update", target=str(id_), detail={"fields": sorted(fields)})
        return _found(after)

    async def delete(self, id_: UUID, principal: Principal) -> None:
        """Remove one. Raises NotFound."""
        require_admin(principal)
        async with self._database.transaction() as connection:
            if not await canned_replies.delete(connection, id_):
                raise _missing()
            await audit.record(connection, "canned_reply.delete", target=str(id_))


async def _checked(connection: Connection, fields: Mapping[str, Any]) -> dict[str, Any]:
    wrong = list(_violations(fields))
    category = fields.get("category")
    if category and not await inquiries.is_active_category(connection, category):
        wrong.append(FieldViolation("category", "There is no such category."))
    if wrong:
        raise InvalidArgument("The canned reply is not valid.", violations=wrong)
    values = dict(fields)
    if "language" in fields:
        values["language"] = text.language_tag(fields["language"])
    return values


def _violations(fields: Mapping[str, Any]) -> Iterator[FieldViolation]:
    if "title" in fields:
        yield from text.violations("title", fields["title"], LONGEST_TITLE)
    if "language" in fields and not text.language_tag(fields["language"]):
        yield FieldViolation("language", "Must be a BCP 47 language such as es or pt-BR.")
    if "body" in fields:
        yield from text.violations("body", fields["body"], LONGEST_BODY)
        unknown = {name.strip() for name in _VARIABLE.findall(fields["body"])} - set(VARIABLES)
        if unknown:
            known = ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
            yield FieldViolation("body", f"Knows these variables only: {known}.")


def _found(reply: CannedReply | None) -> CannedReply:
    if reply is None:
        raise _missing()
    return reply


def _missing() -> NotFound:
    return NotFound("There is no such canned reply.")


def _taken() -> AlreadyExists:
    return AlreadyExists("There is a canned reply with this title in this language already.", reason="TITLE_TAKEN")
