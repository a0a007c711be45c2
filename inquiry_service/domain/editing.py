"""Changing an inquiry by hand: a person's word wins, merges where it can, and is refused only for another person's."""

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

import msgspec

from inquiry_service.domain import text
from inquiry_service.domain.knowledge import learn
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.status import check_transition
from inquiry_service.domain.vocabulary import Priority, Sentiment, Status
from inquiry_service.storage import decisions, inquiries, knowledge
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.records import InquiryRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound

MOST_TAGS = 20
LONGEST_TAG = 50
# Fields the machine sets as well: a person who sets them to what they are confirms them.
TRIAGED = frozenset({"category", "sentiment", "priority"})
# What the machine says for its value, and what a person's value has no need of.
GROUNDS = {"category": "suggested_category", "sentiment": "sentiment_score", "priority": "priority_reason"}
ALLOWED: Mapping[str, frozenset[str]] = {
    "status": frozenset(get_args(Status)) - {"new"},
    "sentiment": frozenset(get_args(Sentiment)),
    "priority": frozenset(get_args(Priority)),
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants. `fields` holds only what they set.

    An empty assignee_id takes the assignment away, an empty category what was decided of it.
    """

    fields: Mapping[str, str]
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    if_version: int = 0
    bulk: bool = False
    """One of many at once, which nobody has looked at each for itself."""


class Editing:
    """Applies people's changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def update(self, id_: UUID, change: Change, principal: Principal) -> InquiryRecord:
        """Apply a change; one that changes nothing leaves no trace.

        Raises PermissionDenied, InvalidArgument, NotFound, and FailedPrecondition: VERSION_MISMATCH when another person
        has set one of these fields since `if_version`, ILLEGAL_TRANSITION for the status.
        """
        require_staff(principal)
        check(change)
        actor_id = UUID(principal.account_id) if principal.account_id else None
        while True:
            before = await self._get(id_)
            if _teaches(before, change):
                return await self._teach(id_, change, actor_id)
            after, _ = await _apply(self._database, before, change, actor_id)
            if after:  # else somebody was quicker, and what they have left counts
                return after

    async def _teach(self, id_: UUID, change: Change, actor_id: UUID | None) -> InquiryRecord:
        async with self._database.transaction() as connection:
            before = await inquiries.lock(connection, id_)
            if before is None:
                raise _unknown()
            if "category" in change.fields:
                await knowledge.hold(connection)  # whoever changes the taxonomy locks in this order, too
            after, changes = await _apply(connection, before, change, actor_id)
            if after and changes:
                await learn(connection, after, changes, bulk=change.bulk)
                return after
        return await self._get(id_)

    async def _get(self, id_: UUID) -> InquiryRecord:
        found = await inquiries.for_staff(self._database, id_)
        if found is None:
            raise _unknown()
        return found


def check(change: Change) -> None:
    """Raise InvalidArgument with every wrong field of the change itself."""
    wrong: list[FieldViolation] = []
    for name, value in change.fields.items():
        allowed = ALLOWED.get(name)
        if allowed and value not in allowed:
            wrong.append(FieldViolation(name, f"Must be one of: {', '.join(sorted(allowed))}."))
    for tag in (*change.add_tags, *change.remove_tags):
        wrong.extend(text.violations("tags", tag, LONGEST_TAG))
    if not (change.fields or change.add_tags or change.remove_tags):
        wrong.append(FieldViolation("", "There is nothing to change."))
    if wrong:
        raise InvalidArgument("The change is not valid.", violations=wrong)


def merge(before: InquiryRecord, change: Change, suggested: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The new values of all editable columns, and what changed: field → [before, after]; pure.

    A category that is taken back leaves what the machine has chosen as `suggested`, to review.
    Raises FailedPrecondition (VERSION_MISMATCH, ILLEGAL_TRANSITION) and InvalidArgument (too many tags).
    """
    _check_version(before, change)
    after = {name: (value or None) for name, value in change.fields.items()}
    if "status" in after:
        check_transition(before.status, change.fields["status"])
    tags = sorted(set(before.tags) - set(change.remove_tags) | set(change.add_tags))
    if len(tags) > MOST_TAGS:
        raise InvalidArgument.field("tags", f"An inquiry has at most {MOST_TAGS} tags.")
    current = {name: _plain(getattr(before, name)) for name in after}
    changed = {name for name, value in after.items() if value != current[name] or (value and _confirms(before, name))}
    changes: dict[str, Any] = {name: [current[name], after[name]] for name in changed}
    if tags != before.tags:
        changes["tags"] = [before.tags, tags]
    values = _columns(before) | {name: after[name] for name in changed} | {"tags": tags}
    if "assignee_id" in changed:
        values["assignee_id"] = UUID(after["assignee_id"]) if after["assignee_id"] else None
    for name, grounds in GROUNDS.items():
        ground = suggested if name == "category" else None
        if name in changed and getattr(before, grounds) != ground:
            values[grounds] = ground
            changes[grounds] = [getattr(before, grounds), ground]
    values["human_versions"] = before.human_versions | dict.fromkeys(changed, before.version + 1)
    if "category" in changed:
        waiting, ended = ("needs_review", "done") if after["category"] else ("done", "needs_review")
        if before.triage_state == waiting:
            values["triage_state"] = ended
            changes["triage_state"] = [waiting, ended]
        if not after["category"]:
            del values["human_versions"]["category"]
    return values, changes


def judged(before: InquiryRecord, changes: Mapping[str, Any]) -> str | None:
    """The machine's category that a change confirms or corrects, for the statistics; only a first decision does."""
    if not changes.get("category", [None])[-1] or "category" in before.human_versions:
        return None
    return before.suggested_category or (before.category if before.category_confidence is not None else None)


async def _apply(
    reader: Database | Connection, before: InquiryRecord, change: Change, actor_id: UUID | None
) -> tuple[InquiryRecord | None, dict[str, Any]]:
    """The inquiry afterwards, None if it is no longer as it was before, and what has changed."""
    await _check_references(reader, change, before)
    suggested = await _machines_choice(reader, before.id) if change.fields.get("category") == "" else None
    values, changes = merge(before, change, suggested)
    if not changes:
        return before, changes
    event: dict[str, Any] = {"changes": {name: pair for name, pair in changes.items() if name != "tags"}}
    if "tags" in changes:
        event["tags_changed"] = True
    if machines := judged(before, changes):
        event["judged"] = machines
        choice = await decisions.last_choice(reader, before.id)
        if choice and choice.uncorrected:
            event["uncorrected"] = choice.uncorrected
    if change.bulk:
        event["bulk"] = True
    written = {**values, "id": before.id, "before": before.version, "actor_id": actor_id, "event_body": event}
    return await inquiries.update(reader, written), changes


def _teaches(before: InquiryRecord, change: Change) -> bool:
    return "category" in change.fields or (
        "status" in change.fields and "spam" in {before.status, change.fields["status"]}
    )


def _unknown() -> NotFound:
    return NotFound("There is no such inquiry.")


def _check_version(before: InquiryRecord, change: Change) -> None:
    if not change.if_version:
        return
    moved = sorted(name for name in change.fields if before.human_versions.get(name, 0) > change.if_version)
    if moved or change.if_version > before.version:
        raise FailedPrecondition(
            f"Somebody has changed {', '.join(moved) or 'this inquiry'} in the meantime.",
            reason="VERSION_MISMATCH",
            metadata={"version": str(before.version), "fields": ",".join(moved)},
        )


async def _check_references(reader: Database | Connection, change: Change, before: InquiryRecord) -> None:
    category, assignee = change.fields.get("category"), change.fields.get("assignee_id")
    if category is not None and category != before.category and not await _may_become(reader, category, change):
        raise InvalidArgument.field("category", "There is no such category.")
    if assignee:
        try:
            known = await inquiries.is_assignable(reader, UUID(assignee))
        except ValueError:
            known = False
        if not known:
            raise InvalidArgument.field("assignee_id", "There is no such agent.")


async def _may_become(reader: Database | Connection, category: str, change: Change) -> bool:
    return await inquiries.is_active_category(reader, category) if category else not change.bulk


async def _machines_choice(reader: Database | Connection, id_: UUID) -> str | None:
    choice = await decisions.last_choice(reader, id_)
    return choice.category if choice and await inquiries.is_active_category(reader, choice.category) else None


def _confirms(before: InquiryRecord, name: str) -> bool:
    return name in TRIAGED and name not in before.human_versions


def _columns(before: InquiryRecord) -> dict[str, Any]:
    names = (
        *("category", "suggested_category", "sentiment", "sentiment_score", "priority", "priority_reason"),
        *("status", "assignee_id", "triage_state"),
    )
    return {name: getattr(before, name) for name in names}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
