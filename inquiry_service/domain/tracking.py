"""The tracking link: opens one inquiry for its customer; its token is derived when needed, never stored."""

import base64
import hashlib
import hmac
from uuid import UUID

import msgspec

from inquiry_service.domain.conversation import Conversation, NewMessage, Sender, Written
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.vocabulary import number_of
from inquiry_service.storage import messages, tracking
from inquiry_service.storage.database import Database
from inquiry_service.storage.messages import MessageRecord
from inquiry_service.storage.records import InquiryRecord
from inquiry_service.storage.tracking import Tracked
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound, PermissionDenied
from runtime.settings import Secret

NEWEST = 500
NO_NUMBER = -1
NOBODYS = Tracked(UUID(int=0), 0, None)
"""Stands in for an inquiry that is not there, so that a wrong reference is as much work as a wrong token."""


def tracking_token(key: Secret, inquiry_id: UUID, version: int) -> str:
    """HMAC-SHA-256(key, inquiry id ‖ token version), base64url without padding: 43 characters."""
    digest = hmac.new(key.encode(), inquiry_id.bytes + version.to_bytes(4), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Followed(msgspec.Struct, frozen=True):
    """The customer's view of an inquiry and of its conversation, oldest first."""

    inquiry: InquiryRecord
    messages: list[MessageRecord]


class Tracking:
    """Lets the bearer of a link read and write. `key` makes the tokens."""

    def __init__(self, database: Database, conversation: Conversation, key: Secret) -> None:
        self._database = database
        self._conversation = conversation
        self._key = key

    async def open(self, reference: str, token: str, principal: Principal) -> Followed:
        """What the link shows; a customer with an account who opens it adds the inquiry to theirs. Raises NotFound."""
        found = await self._find(reference, token)
        if principal.role == "user" and found.submitter_id is None:
            await tracking.adopt(self._database, found.id, UUID(principal.account_id))
        inquiry = await tracking.view(self._database, found.id)
        if inquiry is None:
            raise _nothing()
        return Followed(inquiry, await messages.newest(self._database, found.id, NEWEST))

    async def write(self, reference: str, token: str, text: str, request_id: str, principal: Principal) -> Written:
        """Add a follow-up. Raises NotFound, PermissionDenied for staff, and what Conversation.write raises."""
        found = await self._find(reference, token)
        if principal.is_staff:
            raise PermissionDenied("This link is for the customer; agents reply from the inbox.")
        sender = Sender(
            author="customer",
            channel="tracking",
            scope=f"tracking:{found.id}",
            account_id=UUID(principal.account_id) if principal.account_id else None,
        )
        return await self._conversation.write(
            found.id, NewMessage(kind="follow_up", text=text, request_id=request_id), sender
        )

    async def revoke(self, inquiry_id: UUID, principal: Principal) -> str:
        """Make all links given out so far invalid; returns the new token. Raises PermissionDenied and NotFound."""
        require_staff(principal)
        actor_id = UUID(principal.account_id) if principal.account_id else None
        version = await tracking.revoke(self._database, inquiry_id, actor_id)
        if version is None:
            raise NotFound("There is no such inquiry.")
        return tracking_token(self._key, inquiry_id, version)

    async def _find(self, reference: str, token: str) -> Tracked:
        found = await tracking.by_number(self._database, number_of(reference) or NO_NUMBER)
        stored = found or NOBODYS
        expected = tracking_token(self._key, stored.id, stored.tracking_version)
        if not hmac.compare_digest(expected.encode(), token.encode()) or found is None:
            raise _nothing()
        return found


def _nothing() -> NotFound:
    return NotFound("This link opens nothing: it is wrong, or it was replaced by a new one.")
