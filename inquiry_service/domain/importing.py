"""Importing inquiries: each row stands for itself, and what is there already is not stored again."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from inquiry_service.domain import audit, text
from inquiry_service.domain.editing import LONGEST_TAG, MOST_TAGS
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import importing
from inquiry_service.storage.database import Database
from inquiry_service.storage.importing import ImportedRow
from runtime.rpc.context import Principal
from runtime.rpc.errors import FieldViolation, InvalidArgument

MOST_ROWS = 500
"""In one commit, so that no projection waits long for it."""

# UUIDv7 counts from here.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class GivenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a file; `number` is its place there. Words that the contract does not know are in `violations`."""

    number: int
    external_id: str
    customer_name: str
    customer_email: str
    subject: str
    message: str
    status: str | None = None
    category: str = ""
    priority: str | None = None
    language: str = ""
    tags: tuple[str, ...] = ()
    create_time: datetime | None = None
    violations: Sequence[FieldViolation] = ()


class Rejected(msgspec.Struct, frozen=True):
    """A row that was not stored, and why."""

    number: int
    external_id: str
    violations: list[FieldViolation]


class Imported(msgspec.Struct, frozen=True):
    """What became of the rows: stored, there already, or not right."""

    imported: int
    repeated: int
    rejected: list[Rejected]


class Importing:
    """Imports for administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, rows: Sequence[GivenRow], principal: Principal, *, triage: bool) -> Imported:
        """Store what is right in one commit; without `triage`, the machine leaves it alone.

        Raises PermissionDenied, and InvalidArgument for more rows than one commit may have.
        """
        require_admin(principal)
        if len(rows) > MOST_ROWS:
            raise InvalidArgument.field("rows", f"Must have at most {MOST_ROWS} items.")
        now = datetime.now(UTC)
        async with self._database.transaction() as connection:
            named = sorted({row.category for row in rows if row.category})
            known = await importing.active_categories(connection, named) if named else set()
            checked = [(row, list(violations(row, known, now))) for row in rows]
            right = [row for row, wrong in checked if not wrong]
            # Of rows with the same external id the first one counts.
            first = {row.external_id: row for row in reversed(right)}
            stored = 0
            if first:
                actor_id = UUID(principal.account_id) if principal.account_id else None
                fresh = [_stored(row) for row in reversed(first.values())]
                stored = await importing.store(connection, fresh, triage=triage, actor_id=actor_id)
            rejected = [Rejected(row.number, row.external_id, wrong) for row, wrong in checked if wrong]
            if stored:
                await audit.record(connection, "inquiry.import", detail={"imported": stored, "triage": triage})
        return Imported(stored, len(right) - stored, rejected)


def violations(row: GivenRow, categories: Collection[str], now: datetime) -> Iterator[FieldViolation]:
    """What is wrong with a row; `categories` are those that it may name."""
    yield from row.violations
    yield from text.violations("external_id", row.external_id, 200)
    yield from text.violations("customer_name", row.customer_name, 200)
    yield from text.email_violations("customer_email", row.customer_email)
    yield from text.violations("subject", row.subject, 300)
    yield from text.violations("message", row.message, 20_000)
    if row.category and row.category not in categories:
        yield FieldViolation("category", "There is no such category, or it is not active.")
    if row.language and not text.language_tag(row.language):
        yield FieldViolation("language", "Must be a language tag such as es or pt-BR.")
    if len(row.tags) > MOST_TAGS:
        yield FieldViolation("tags", f"An inquiry has at most {MOST_TAGS} tags.")
    for tag in row.tags[:MOST_TAGS]:
        yield from text.violations("tags", tag, LONGEST_TAG)
    if row.create_time and not EARLIEST <= row.create_time <= now:
        yield FieldViolation("create_time", "Must not be in the future, nor before 1970.")


def _stored(row: GivenRow) -> ImportedRow:
    return ImportedRow(
        external_id=row.external_id,
        own_id=_uuid(row.external_id),
        customer_name=row.customer_name,
        customer_email=row.customer_email,
        subject=row.subject,
        snippet=text.snippet(row.message),
        message=row.message,
        status=row.status or "new",
        category=row.category or None,
        priority=row.priority,
        language=text.language_tag(row.language) or None,
        tags=sorted(set(row.tags)),
        create_time=row.create_time,
    )


def _uuid(external_id: str) -> UUID | None:
    try:
        return UUID(external_id)
    except ValueError:
        return None
