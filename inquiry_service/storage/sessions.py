"""Queries on sessions. All times come from the database's clock."""

from datetime import datetime
from uuid import UUID

import msgspec

from inquiry_service.storage.accounts import ACCOUNT, AccountRecord, CredentialsRecord
from inquiry_service.storage.database import Connection, Database, Row, Statement

LIFETIME = "interval '30 days'"
GRACE = "interval '5 seconds'"
"""How long after a rotation the previous refresh token still gets an answer."""

MOST_LISTED = 100

_OPEN = "revoke_time is null and expire_time > now()"
_LIVE = "s.revoke_time is null and s.expire_time > now() and a.active"

_ADD = Statement(
    f"""
with opened as (
    insert into session (account_id, secret_hash, expire_time, user_agent, address)
    select id, :secret_hash, now() + {LIFETIME}, :user_agent, :address from account
    where id = :account_id and password_hash = :password_hash and active
    returning id, account_id, expire_time
)
select {ACCOUNT}, s.id as session_id, s.expire_time from opened s join account a on a.id = s.account_id
"""
)
_LOCK = Statement(
    f"""select {ACCOUNT}, s.id as session_id, s.secret_hash, s.rotation_key, s.expire_time,
        s.rotate_time > now() - {GRACE} as in_grace
    from session s join account a on a.id = s.account_id where s.id = :id and {_LIVE} for update of s"""
)
_ROTATE = Statement(
    f"""update session set secret_hash = :secret_hash, rotation_key = :rotation_key, rotate_time = now(),
        expire_time = now() + {LIFETIME}, address = :address where id = :id returning expire_time"""
)
_REVOKE = Statement(
    f"update session set revoke_time = now() where id = :id and account_id = :account_id and {_OPEN} returning id"
)
_REVOKE_ALL = Statement(
    f"""update session set revoke_time = now()
    where account_id = :account_id and id is distinct from cast(:kept as uuid) and {_OPEN} returning id"""
)
_LIST = Statement(
    f"""select id, user_agent, address, create_time, rotate_time, expire_time from session
    where account_id = :account_id and {_OPEN} order by id desc limit {MOST_LISTED}"""
)
_PURGE = Statement(
    f"""delete from session where expire_time < now() - {LIFETIME} or revoke_time < now() - {LIFETIME} returning id"""
)
_ACCOUNT_OF = Statement(
    f"select {ACCOUNT} from session s join account a on a.id = s.account_id where s.id = :id and {_LIVE}"
)


class SessionRecord(msgspec.Struct, frozen=True):
    """A live session, locked, with its line of refresh tokens; `rotation_key` is None until the first rotation."""

    id: UUID
    account: AccountRecord
    secret_hash: bytes
    rotation_key: bytes | None
    expire_time: datetime
    in_grace: bool


class ListedSession(msgspec.Struct, frozen=True):
    """A session as its owner sees it; `rotate_time` is when it was last continued."""

    id: UUID
    user_agent: str
    address: str
    create_time: datetime
    rotate_time: datetime
    expire_time: datetime


async def add(
    connection: Connection, checked: CredentialsRecord, secret_hash: bytes, *, user_agent: str, address: str
) -> tuple[UUID, AccountRecord, datetime] | None:
    """The new session's id, account and end; None when the account is no longer as it was checked."""
    row = await connection.row(
        _ADD,
        account_id=checked.id,
        password_hash=checked.password_hash,
        secret_hash=secret_hash,
        user_agent=user_agent,
        address=address,
    )
    return (row["session_id"], _account(row), row["expire_time"]) if row else None


async def lock(connection: Connection, id_: UUID) -> SessionRecord | None:
    """The session, if it is live, locked until the transaction ends."""
    row = await connection.row(_LOCK, id=id_)
    if row is None:
        return None
    line = {name: row[name] for name in ("secret_hash", "rotation_key", "expire_time", "in_grace")}
    return SessionRecord(id=row["session_id"], account=_account(row), **line)


async def rotate(
    connection: Connection, id_: UUID, secret_hash: bytes, rotation_key: bytes, *, address: str
) -> datetime:
    """Store the newest secret of a locked session; returns when it now ends."""
    row = await connection.row(_ROTATE, id=id_, secret_hash=secret_hash, rotation_key=rotation_key, address=address)
    expire_time: datetime = (row or {})["expire_time"]
    return expire_time


async def revoke(connection: Connection, id_: UUID, account_id: UUID) -> bool:
    """End a live session of this account; False where there is none."""
    return await connection.row(_REVOKE, id=id_, account_id=account_id) is not None


async def revoke_all(connection: Connection, account_id: UUID, *, kept: UUID | None = None) -> int:
    """End all live sessions of an account but the one to keep; returns how many."""
    return len(await connection.fetch(_REVOKE_ALL, account_id=account_id, kept=kept))


async def of_account(database: Database, account_id: UUID) -> list[ListedSession]:
    """The newest live sessions of an account."""
    return [ListedSession(**dict(row)) for row in await database.fetch(_LIST, account_id=account_id)]


async def account_of(database: Database, id_: UUID) -> AccountRecord | None:
    """The account behind a live session."""
    row = await database.row(_ACCOUNT_OF, id=id_)
    return _account(row) if row else None


async def purge(database: Database) -> int:
    """Forget sessions that ended more than 30 days ago; returns how many."""
    return len(await database.fetch(_PURGE))


def _account(row: Row) -> AccountRecord:
    return AccountRecord(**{name: row[name] for name in AccountRecord.__struct_fields__})
