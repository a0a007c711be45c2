"""Accounts and sessions: who people are, and for how long we believe it."""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from inquiry_service.domain import passwords, refresh_tokens, text
from inquiry_service.domain.passwords import Passwords
from inquiry_service.storage import accounts
from inquiry_service.storage.accounts import AccountRecord
from inquiry_service.storage.database import Connection, Database
from runtime.rpc.errors import FieldViolation, InvalidArgument, Unauthenticated

LONGEST_NAME = 200
LONGEST_USER_AGENT = 300

log = structlog.get_logger(__name__)


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who registers; the address as they typed it."""

    email: str
    password: str
    name: str


class Session(msgspec.Struct, frozen=True):
    """A session that was opened or continued, with the token that continues it next."""

    id: UUID
    account: AccountRecord
    refresh_token: str
    expire_time: datetime


class Accounts:
    """Registers people, lets them in, and knows who is still in."""

    def __init__(self, database: Database, hashes: Passwords) -> None:
        self._database = database
        self._hashes = hashes

    async def register(self, new: NewAccount) -> None:
        """Register a customer. Does, takes and tells the same for an address that is known, which stays as it is.

        Raises InvalidArgument with every wrong field.
        """
        await self._add(new, role="user")

    async def add_admin(self, new: NewAccount) -> bool:
        """Add an administrator; False, changing nothing, when the address is taken. Raises InvalidArgument."""
        return await self._add(new, role="admin")

    async def has_admin(self) -> bool:
        """Whether there is any administrator."""
        return await accounts.has_admin(self._database)

    async def sign_in(self, email: str, password: str, user_agent: str) -> Session:
        """Open a session. Raises Unauthenticated (BAD_CREDENTIALS), after the same time whatever is wrong."""
        known = await accounts.credentials(self._database, _normal_email(email))
        matches = await self._hashes.matches(known.password_hash if known else None, password)
        if known is None or not matches:
            raise _bad_credentials()
        if self._hashes.is_outdated(known.password_hash):
            stronger = await self._hashes.hash(password)
            if await accounts.replace_hash(self._database, known.id, known.password_hash, stronger):
                known = msgspec.structs.replace(known, password_hash=stronger)
        secret = refresh_tokens.new_secret()
        opened = await accounts.open_session(
            self._database, known, refresh_tokens.digest(secret), user_agent[:LONGEST_USER_AGENT]
        )
        if opened is None:
            raise _bad_credentials()
        session_id, account, expire_time = opened
        return Session(session_id, account, refresh_tokens.write(session_id, secret), expire_time)

    async def refresh(self, token: str) -> Session:
        """Continue a session with its newest token, or for 5 s with the one before it, which gets the same answer.

        Raises Unauthenticated (BAD_REFRESH_TOKEN); any older token has been used twice, so it ends the session.
        """
        parts = refresh_tokens.read(token)
        continued = await self._continue(*parts) if parts else None
        if continued is None:
            raise Unauthenticated("The refresh token is not valid. Please sign in again.", reason="BAD_REFRESH_TOKEN")
        return continued

    async def account_of(self, session_id: str) -> AccountRecord:
        """The account behind a session as of now. Raises Unauthenticated (SESSION_ENDED)."""
        try:
            account = await accounts.by_session(self._database, UUID(session_id))
        except ValueError:
            account = None
        if account is None:
            raise Unauthenticated("The session has ended. Please sign in again.", reason="SESSION_ENDED")
        return account

    async def _add(self, new: NewAccount, role: str) -> bool:
        email, name = _normal_email(new.email), new.name.strip()
        wrong: list[FieldViolation] = [
            *text.email_violations("email", email),
            *passwords.violations("password", new.password),
            *text.violations("name", name, LONGEST_NAME),
        ]
        if wrong:
            raise InvalidArgument("The account is not complete.", violations=wrong)
        password_hash = await self._hashes.hash(new.password)
        return await accounts.add(self._database, email=email, name=name, password_hash=password_hash, role=role)

    async def _continue(self, session_id: UUID, secret: bytes) -> Session | None:
        async with self._database.transaction() as connection:
            session = await accounts.lock_session(connection, session_id)
            if session is None:
                return None
            if refresh_tokens.is_newest(secret, session.secret_hash):
                return await _rotate(connection, session, secret)
            follower = refresh_tokens.successor(secret, session.rotation_key or b"")
            if session.in_grace and refresh_tokens.is_newest(follower, session.secret_hash):
                return _session(session, follower, session.expire_time)
            await accounts.revoke(connection, session_id)
        log.warning("refresh_reused", session_id=str(session_id), account_id=str(session.account.id))
        return None


async def _rotate(connection: Connection, session: accounts.SessionRecord, secret: bytes) -> Session:
    rotation_key = refresh_tokens.new_secret()
    newest = refresh_tokens.successor(secret, rotation_key)
    expire_time = await accounts.rotate(connection, session.id, refresh_tokens.digest(newest), rotation_key)
    return _session(session, newest, expire_time)


def _session(session: accounts.SessionRecord, secret: bytes, expire_time: datetime) -> Session:
    return Session(session.id, session.account, refresh_tokens.write(session.id, secret), expire_time)


def _normal_email(email: str) -> str:
    return email.strip().lower()


def _bad_credentials() -> Unauthenticated:
    return Unauthenticated("The address or the password is wrong.", reason="BAD_CREDENTIALS")
