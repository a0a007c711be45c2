"""Queries on accounts. All times come from the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

ACCOUNT = "a.id, a.email, a.name, a.role, a.language, a.active, a.create_time"
MOST_AGENTS = 1000

_ADD = Statement(
    f"""insert into account as a (email, name, password_hash, role, language)
    values (:email, :name, :password_hash, :role, :language) on conflict (email) do nothing returning {ACCOUNT}"""
)
_ADMIN = Statement("select true from account where role = 'admin' limit 1")
_BY_EMAIL = Statement("select id, password_hash from account where email = :email and active")
_HASH_OF = Statement("select id, password_hash from account where id = :id and active")
_BY_ID = Statement(f"select {ACCOUNT} from account a where id = :id")
_LOCK = Statement(f"select {ACCOUNT} from account a where id = :id for update")
_NEW_HASH = Statement("update account set password_hash = :new where id = :id and password_hash = :old returning id")
_SET_HASH = Statement("update account set password_hash = :new where id = :id returning id")
_UPDATE = Statement(
    f"""update account a set name = :name, role = :role, language = :language, active = :active, update_time = now()
    where id = :id returning {ACCOUNT}"""
)
# Locked in one order, so that two admins who remove each other wait instead of both going ahead.
_LOCK_ADMINS = Statement("select id from account where role = 'admin' and active order by id for update")
_PAGE = Statement(
    f"""select {ACCOUNT} from account a
    where (cast(:before as uuid) is null or id < :before)
        and (cast(:roles as text[]) = '{{}}' or role = any(:roles))
        and (cast(:active as boolean) is null or active = :active)
        and (cast(:pattern as text) is null or name ilike :pattern or email ilike :pattern)
    order by id desc limit :size"""
)
_AGENTS = Statement(
    f"""select {ACCOUNT} from account a where active and role in ('support', 'admin')
    order by lower(name), id limit {MOST_AGENTS}"""
)
_NAMES = Statement("select id, name from account where id = any(:ids)")
_DELETE = Statement(
    """
with freed as (
    update inquiry set assignee_id = null, version = version + 1, update_time = now(),
        human_versions = human_versions || jsonb_build_object('assignee_id', version + 1)
    where assignee_id = :id returning new.id, new.version
), freed_event as (
    insert into event (inquiry_id, version, kind, actor, actor_id, body)
    select id, version, 'inquiry_updated', 'agent', :actor_id, jsonb_build_object(
        'changes', jsonb_build_object('assignee_id', jsonb_build_array(cast(:id as text), null)))
    from freed
)
delete from account where id = :id returning id
"""
)


class AccountRecord(msgspec.Struct, frozen=True):
    """One person."""

    id: UUID
    email: str
    name: str
    role: str
    language: str
    active: bool
    create_time: datetime


class CredentialsRecord(msgspec.Struct, frozen=True):
    """What a password is checked against."""

    id: UUID
    password_hash: str


async def add(connection: Connection, values: dict[str, Any]) -> AccountRecord | None:
    """Store a new account; None, changing nothing, when the address is taken."""
    row = await connection.row(_ADD, **values)
    return AccountRecord(**dict(row)) if row else None


async def has_admin(database: Database) -> bool:
    """Whether there is any administrator."""
    return await database.row(_ADMIN) is not None


async def by_email(database: Database, email: str) -> CredentialsRecord | None:
    """The credentials of the active account with this address."""
    row = await database.row(_BY_EMAIL, email=email)
    return CredentialsRecord(**dict(row)) if row else None


async def credentials(database: Database, id_: UUID) -> CredentialsRecord | None:
    """The credentials of an active account."""
    row = await database.row(_HASH_OF, id=id_)
    return CredentialsRecord(**dict(row)) if row else None


async def by_id(database: Database, id_: UUID) -> AccountRecord | None:
    """One account."""
    row = await database.row(_BY_ID, id=id_)
    return AccountRecord(**dict(row)) if row else None


async def lock(connection: Connection, id_: UUID) -> AccountRecord | None:
    """One account, locked until the transaction ends."""
    row = await connection.row(_LOCK, id=id_)
    return AccountRecord(**dict(row)) if row else None


async def lock_admins(connection: Connection) -> set[UUID]:
    """All active administrators, locked until the transaction ends."""
    return {row["id"] for row in await connection.fetch(_LOCK_ADMINS)}


async def replace_hash(writer: Connection | Database, id_: UUID, old: str, new: str) -> bool:
    """Store another hash; False when the password was changed meanwhile."""
    return await writer.row(_NEW_HASH, id=id_, old=old, new=new) is not None


async def set_hash(connection: Connection, id_: UUID, new: str) -> None:
    """Store the hash of a new password, whatever it was."""
    await connection.row(_SET_HASH, id=id_, new=new)


async def update(connection: Connection, values: dict[str, Any]) -> AccountRecord:
    """Write the new values of a locked account."""
    row = await connection.row(_UPDATE, **values)
    return AccountRecord(**dict(row or {}))


async def page(
    database: Database,
    *,
    size: int,
    before: UUID | None,
    roles: Sequence[str],
    active: bool | None,
    pattern: str | None,
) -> list[AccountRecord]:
    """Accounts older than the id `before`, newest first; `pattern` is LIKE's, for name and address."""
    rows = await database.fetch(_PAGE, size=size, before=before, roles=list(roles), active=active, pattern=pattern)
    return [AccountRecord(**dict(row)) for row in rows]


async def agents(database: Database) -> list[AccountRecord]:
    """Active staff by name."""
    return [AccountRecord(**dict(row)) for row in await database.fetch(_AGENTS)]


async def names(database: Database, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of these accounts, as far as they are still there."""
    return {row["id"]: row["name"] for row in await database.fetch(_NAMES, ids=list(ids))}


async def delete(connection: Connection, id_: UUID, actor_id: UUID | None) -> None:
    """Remove an account with its sessions; its inquiries stay, unassigned, and say so in the event log."""
    await connection.row(_DELETE, id=id_, actor_id=actor_id)
