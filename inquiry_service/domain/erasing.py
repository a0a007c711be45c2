"""Erasing an inquiry for good."""

from uuid import UUID

from inquiry_service.domain import audit
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import erasing
from inquiry_service.storage.database import Database
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound


class Erasing:
    """Erases for administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, id_: UUID, principal: Principal) -> None:
        """Delete the inquiry with its messages, drafts, AI records and keys; its events stay and get a last one.

        A claim that is held on it is lost. Raises PermissionDenied and NotFound.
        """
        require_admin(principal)
        actor_id = UUID(principal.account_id) if principal.account_id else None
        async with self._database.transaction() as connection:
            if not await erasing.erase(connection, id_, actor_id):
                raise NotFound("There is no such inquiry.")
            await audit.record(connection, "inquiry.erase", target=str(id_))
