"""Queries on inquiries as their tracking links open them."""

from uuid import UUID

import msgspec

from inquiry_service.storage.database import Database, Statement
from inquiry_service.storage.inquiries import CUSTOMER, MESSAGE
from inquiry_service.storage.records import InquiryRecord

_BY_NUMBER = Statement("select id, tracking_version, submitter_id from inquiry where number = :number")
_VIEW = Statement(f"select {CUSTOMER}, {MESSAGE} from inquiry where id = :id")
_ADOPT = Statement(
    """
with adopted as (
    update inquiry set submitter_id = :account_id, version = version + 1, update_time = now()
    where id = :id and submitter_id is null returning id, version
)
insert into event (inquiry_id, version, kind, actor, actor_id, body)
select id, version, 'inquiry_adopted', 'customer', :account_id, jsonb_build_object('changes',
    jsonb_build_object('submitter_id', jsonb_build_array(null, cast(:account_id as uuid))))
from adopted
"""
)
_REVOKE = Statement(
    """
with revoked as (
    update inquiry set tracking_version = tracking_version + 1, version = version + 1, update_time = now()
    where id = :id returning id, version, tracking_version
), told as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version, 'tracking_revoked', 'agent', :actor_id, jsonb_build_object('changes',
        jsonb_build_object('tracking_version', jsonb_build_array(tracking_version - 1, tracking_version)))
    from revoked
)
select tracking_version from revoked
"""
)


class Tracked(msgspec.Struct, frozen=True):
    """What a link is checked against, and whose account the inquiry belongs to, if any."""

    id: UUID
    tracking_version: int
    submitter_id: UUID | None


async def by_number(database: Database, number: int) -> Tracked | None:
    """The inquiry that people call by this number."""
    row = await database.row(_BY_NUMBER, number=number)
    return Tracked(**dict(row)) if row else None


async def view(database: Database, id_: UUID) -> InquiryRecord | None:
    """The customer's view."""
    row = await database.row(_VIEW, id=id_)
    return InquiryRecord(**dict(row)) if row else None


async def adopt(database: Database, id_: UUID, account_id: UUID) -> None:
    """Give an inquiry that nobody's account has sent to this account."""
    await database.row(_ADOPT, id=id_, account_id=account_id)


async def revoke(database: Database, id_: UUID, actor_id: UUID | None) -> int | None:
    """Make the links given out so far invalid; returns the version of those to come, None where there is no inquiry."""
    row = await database.row(_REVOKE, id=id_, actor_id=actor_id)
    return row["tracking_version"] if row else None
