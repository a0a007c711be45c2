"""Sessions: who gets in, for how long we believe it, and how that ends."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

import msgspec
import structlog

from inquiry_service.domain import audit, refresh_tokens
from inquiry_service.domain.accounts import account_id_of, normal_email
from inquiry_service.domain.passwords import Passwords
from inquiry_service.storage import accounts, sessions
from inquiry_service.storage.accounts import AccountRecord, CredentialsRecord
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.sessions import ListedSession
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound, Unauthenticated

LONGEST_USER_AGENT = 300

log = structlog.get_logger(__name__)


class Session(msgspec.Struct, frozen=True):
    """A session that was opened or continued, with the token that continues it next."""

    id: UUID
    account: AccountRecord
    refresh_token: str
    expire_time: datetime


class Sessions:
    """Lets people in, and knows who is still in."""

    def __init__(self, database: Database, hashes: Passwords) -> None:
        self._database = database
        self._hashes = hashes

    async def sign_in(self, email: str, password: str, user_agent: str, principal: Principal) -> Session:
        """Open a session. Raises Unauthenticated (BAD_CREDENTIALS), after the same time whatever is wrong."""
        known = await accounts.by_email(self._database, normal_email(email))
        matches = await self._hashes.matches(known.password_hash if known else None, password)
        if known is None or not matches:
            await self._refuse(known)
        if self._hashes.is_outdated(known.password_hash):
            stronger = await self._hashes.hash(password)
            if await accounts.replace_hash(self._database, known.id, known.password_hash, stronger):
                known = msgspec.structs.replace(known, password_hash=stronger)
        secret = refresh_tokens.new_secret()
        async with self._database.transaction() as connection:
            opened = await sessions.add(
                connection,
                known,
                refresh_tokens.digest(secret),
                user_agent=user_agent[:LONGEST_USER_AGENT],
                address=principal.address,
            )
            if opened:
                await audit.record(connection, "session.create", actor_id=known.id, target=str(opened[0]))
        if opened is None:
            await self._refuse(known)
        session_id, account, expire_time = opened
        return Session(session_id, account, refresh_tokens.write(session_id, secret), expire_time)

    async def refresh(self, token: str, principal: Principal) -> Session:
        """Continue a session with its newest token, or for 5 s with the one before it, which gets the same answer.

        Raises Unauthenticated (BAD_REFRESH_TOKEN); any older token has been used twice, so it ends the session.
        """
        parts = refresh_tokens.read(token)
        continued = await self._continue(*parts, principal) if parts else None
        if continued is None:
            raise Unauthenticated("The refresh token is not valid. Please sign in again.", reason="BAD_REFRESH_TOKEN")
        return continued

    async def sign_out(self, token: str, *, everywhere: bool) -> None:
        """End the session of a refresh token, or all of its account. What is no live token changes nothing."""
        parts = refresh_tokens.read(token)
        if parts is None:
            return
        session_id, secret = parts
        async with self._database.transaction() as connection:
            session = await sessions.lock(connection, session_id)
            if session is None or not _is_of_line(session, secret):
                return
            await self._end(connection, session.account.id, None if everywhere else session_id)

    async def list(self, principal: Principal) -> list[ListedSession]:
        """The caller's live sessions, newest first."""
        return await sessions.of_account(self._database, account_id_of(principal))

    async def revoke(self, session_id: UUID | None, principal: Principal) -> int:
        """End one of the caller's sessions, or all of them; returns how many. Raises NotFound."""
        async with self._database.transaction() as connection:
            ended = await self._end(connection, account_id_of(principal), session_id)
        if session_id and not ended:
            raise NotFound("You have no such session.")
        return ended

    async def account_of(self, session_id: str) -> AccountRecord:
        """The account behind a session as of now. Raises Unauthenticated (SESSION_ENDED)."""
        try:
            account = await sessions.account_of(self._database, UUID(session_id))
        except ValueError:
            account = None
        if account is None:
            raise Unauthenticated("The session has ended. Please sign in again.", reason="SESSION_ENDED")
        return account

    async def _end(self, connection: Connection, account_id: UUID, session_id: UUID | None) -> int:
        if session_id is None:
            ended = await sessions.revoke_all(connection, account_id)
        else:
            ended = int(await sessions.revoke(connection, session_id, account_id))
        if ended:
            target = str(session_id or "")
            await audit.record(
                connection, "session.revoke", actor_id=account_id, target=target, detail={"ended": ended}
            )
        return ended

    async def _refuse(self, known: CredentialsRecord | None) -> NoReturn:
        target = str(known.id) if known else ""
        await audit.record(self._database, "session.create", outcome="refused", target=target)
        raise Unauthenticated("The address or the password is wrong.", reason="BAD_CREDENTIALS")

    async def _continue(self, session_id: UUID, secret: bytes, principal: Principal) -> Session | None:
        async with self._database.transaction() as connection:
            session = await sessions.lock(connection, session_id)
            if session is None:
                return None
            if refresh_tokens.is_newest(secret, session.secret_hash):
                return await _rotate(connection, session, secret, principal.address)
            follower = refresh_tokens.successor(secret, session.rotation_key or b"")
            if session.in_grace and refresh_tokens.is_newest(follower, session.secret_hash):
                return _session(session, follower, session.expire_time)
            account_id = session.account.id
            await sessions.revoke(connection, session_id, account_id)
            await audit.record(
                connection, "session.reuse", outcome="refused", actor_id=account_id, target=str(session_id)
            )
        log.warning("refresh_reused", session_id=str(session_id), account_id=str(account_id))
        return None


async def _rotate(connection: Connection, session: sessions.SessionRecord, secret: bytes, address: str) -> Session:
    rotation_key = refresh_tokens.new_secret()
    newest = refresh_tokens.successor(secret, rotation_key)
    digest = refresh_tokens.digest(newest)
    expire_time = await sessions.rotate(connection, session.id, digest, rotation_key, address=address)
    return _session(session, newest, expire_time)


def _is_of_line(session: sessions.SessionRecord, secret: bytes) -> bool:
    follower = refresh_tokens.successor(secret, session.rotation_key or b"")
    return any(refresh_tokens.is_newest(candidate, session.secret_hash) for candidate in (secret, follower))


def _session(session: sessions.SessionRecord, secret: bytes, expire_time: datetime) -> Session:
    return Session(session.id, session.account, refresh_tokens.write(session.id, secret), expire_time)
