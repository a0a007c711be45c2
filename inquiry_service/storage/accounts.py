"""Queries on accounts and their sessions. All times come from the database's clock."""

from datetime import datetime
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

LIFETIME = "interval '30 days'"
GRACE = "interval '5 seconds'"
"""How long after a rotation the previous refresh token still gets an answer."""

_ACCOUNT = "a.id, a.email, a.name, a.role, a.create_time"
_LIVE = "s.revoke_time is null and s.expire_time > now() and a.active"

_ADD = Statement(
    """insert into account (email, name, password_hash, role) values (:email, :name, :password_hash, :role)
    on conflict (email) do nothing returning id"""
)
_ADMIN = Statement("select true from account where role = 'admin' limit 1")
_BY_EMAIL = Statement("select id, password_hash from account where email = :email and active")
_NEW_HASH = Statement("update account set password_hash = :new where id = :id and password_hash = :old returning id")
_OPEN_SESSION = Statement(
    f"""
with opened as (
    insert into session (account_id, secret_hash, expire_time, user_agent)
    select id, :secret_hash, now() + {LIFETIME}, :user_agent from account
    where id = :account_id and password_hash = :password_hash and active
    returning id, account_id, expire_time
)
select {_ACCOUNT}, s.id as session_id, s.expire_time from opened s join account a on a.id = s.account_id
"""
)
_LOCK_SESSION = Statement(
    f"""select {_ACCOUNT}, s.id as session_id, s.secret_hash, s.rotation_key, s.expire_time,
        s.rotate_time > now() - {GRACE} as in_grace
    from session s join account a on a.id = s.account_id where s.id = :id and {_LIVE} for update of s"""
)
_ROTATE = Statement(
    f"""update session set secret_hash = :secret_hash, rotation_key = :rotation_key, rotate_time = now(),
        expire_time = now() + {LIFETIME} where id = :id returning expire_time"""
)
_REVOKE = Statement("update session set revoke_time = now() where id = :id returning id")
_PURGE_SESSIONS = Statement(
    f"""delete from session where expire_time < now() - {LIFETIME} or revoke_time < now() - {LIFETIME} returning id"""
)
_BY_SESSION = Statement(
    f"select {_ACCOUNT} from session s join account a on a.id = s.account_id where s.id = :id and {_LIVE}"
)


class AccountRecord(msgspec.Struct, frozen=True):
    """One person."""

    id: UUID
    email: str
    name: str
    role: str
    create_time: datetime


class CredentialsRecord(msgspec.Struct, frozen=True):
    """What a sign-in is checked against."""

    id: UUID
    password_hash: str


class SessionRecord(msgspec.Struct, frozen=True):
    """A live session, locked, with its line of refresh tokens; `rotation_key` is None until the first rotation."""

    id: UUID
    account: AccountRecord
    secret_hash: bytes
    rotation_key: bytes | None
    expire_time: datetime
    in_grace: bool


async def add(database: Database, *, email: str, name: str, password_hash: str, role: str) -> bool:
    """Store a new account; False, changing nothing, when the address is taken."""
    row = await database.row(_ADD, email=email, name=name, password_hash=password_hash, role=role)
    return row is not None


async def has_admin(database: Database) -> bool:
    """Whether there is any administrator."""
    return await database.row(_ADMIN) is not None


async def credentials(database: Database, email: str) -> CredentialsRecord | None:
    """The active account with this address."""
    row = await database.row(_BY_EMAIL, email=email)
    return CredentialsRecord(**dict(row)) if row else None


async def replace_hash(database: Database, id_: UUID, old: str, new: str) -> bool:
    """Store a stronger hash of the same password; False when the password was changed meanwhile."""
    return await database.row(_NEW_HASH, id=id_, old=old, new=new) is not None


async def open_session(
    database: Database, checked: CredentialsRecord, secret_hash: bytes, user_agent: str
) -> tuple[UUID, AccountRecord, datetime] | None:
    """The new session's id, account and end; None when the account is no longer as it was checked."""
    row = await database.row(
        _OPEN_SESSION,
        account_id=checked.id,
        password_hash=checked.password_hash,
        secret_hash=secret_hash,
        user_agent=user_agent,
    )
    if row is None:
        return None
    values = dict(row)
    session_id, expire_time = values.pop("session_id"), values.pop("expire_time")
    return session_id, AccountRecord(**values), expire_time


async def lock_session(connection: Connection, id_: UUID) -> SessionRecord | None:
    """The session, if it is live, locked until the transaction ends."""
    row = await connection.row(_LOCK_SESSION, id=id_)
    if row is None:
        return None
    account = AccountRecord(**{name: row[name] for name in AccountRecord.__struct_fields__})
    line = {name: row[name] for name in ("secret_hash", "rotation_key", "expire_time", "in_grace")}
    return SessionRecord(id=row["session_id"], account=account, **line)


async def rotate(connection: Connection, id_: UUID, secret_hash: bytes, rotation_key: bytes) -> datetime:
    """Store the newest secret of a locked session; returns when it now ends."""
    row = await connection.row(_ROTATE, id=id_, secret_hash=secret_hash, rotation_key=rotation_key)
    expire_time: datetime = (row or {})["expire_time"]
    return expire_time


async def revoke(connection: Connection, id_: UUID) -> None:
    """End a session."""
    await connection.row(_REVOKE, id=id_)


async def by_session(database: Database, id_: UUID) -> AccountRecord | None:
    """The account behind a live session."""
    row = await database.row(_BY_SESSION, id=id_)
    return AccountRecord(**dict(row)) if row else None


async def purge_sessions(database: Database) -> int:
    """Forget sessions that ended more than 30 days ago; returns how many."""
    return len(await database.fetch(_PURGE_SESSIONS))
