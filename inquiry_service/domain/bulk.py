"""The same change to many inquiries, each on its own: one that is refused stops no other."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from inquiry_service.domain.editing import Change, Editing, check
from inquiry_service.domain.roles import require_staff
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, InvalidArgument, NotFound, RpcError, Unavailable

MOST_INQUIRIES = 100


class Outcome(msgspec.Struct, frozen=True):
    """What became of one inquiry: its version after the change, or why it was refused."""

    id: str
    version: int = 0
    reason: str = ""
    message: str = ""


class Bulk:
    """Applies people's changes to selections."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def update(self, ids: Sequence[str], change: Change, principal: Principal) -> list[Outcome]:
        """Apply the change to each, in a transaction of its own; outcomes in the order of the ids.

        Raises PermissionDenied, and InvalidArgument for what is wrong with the change or the list itself.
        """
        require_staff(principal)
        if not 1 <= len(ids) <= MOST_INQUIRIES:
            raise InvalidArgument.field("ids", f"Must name 1 to {MOST_INQUIRIES} inquiries.")
        if len({id_.lower() for id_ in ids}) < len(ids):
            raise InvalidArgument.field("ids", "Must name every inquiry once.")
        check(change)
        return [await self._one(id_, change, principal) for id_ in ids]

    async def _one(self, id_: str, change: Change, principal: Principal) -> Outcome:
        try:
            changed = await self._editing.update(_known(id_), change, principal)
        except (NotFound, InvalidArgument, FailedPrecondition) as error:
            return _refused(id_, error.reason, error)
        except Unavailable as error:  # the others may be stored already: they must be told of
            return _refused(id_, Unavailable.default_reason, error)
        return Outcome(id_, version=changed.version)


def _known(id_: str) -> UUID:
    try:
        return UUID(id_)
    except ValueError:
        raise NotFound("There is no such inquiry.") from None


def _refused(id_: str, reason: str, error: RpcError) -> Outcome:
    return Outcome(id_, reason=reason, message=error.message)
