"""Erasing for good: one inquiry at once, everything of a person or of an age by jobs that survive crashes."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from inquiry_service.domain import audit, text
from inquiry_service.domain.roles import require_admin
from inquiry_service.storage import accounts, erasing, jobs
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.jobs import JobRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound

BATCH = 50
"""Inquiries in one transaction."""

# Until then an edge may still take its sessions for live, and an inquiry from the erased account.
SESSIONS_END = timedelta(seconds=6)

RETENTION_EVERY_HOURS = 24


class Erasing:
    """Erases for administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, id_: UUID, principal: Principal) -> None:
        """Delete the inquiry with its messages, drafts, AI records and keys; its events stay and get a last one.

        A claim that is held on it is lost. Raises PermissionDenied and NotFound.
        """
        require_admin(principal)
        async with self._database.transaction() as connection:
            if not await erasing.erase(connection, [id_], "agent", _actor_id(principal)):
                raise NotFound("There is no such inquiry.")
            await audit.record(connection, "inquiry.erase", target=str(id_))

    async def erase_person(self, customer_email: str, account_id: UUID | None, principal: Principal) -> JobRecord:
        """Remove the account, if one is named, and begin to erase all inquiries of the address and of the account.

        Raises PermissionDenied, InvalidArgument, and FailedPrecondition (STAFF_ACCOUNT).
        """
        require_admin(principal)
        if not (customer_email or account_id):
            raise InvalidArgument(
                "Say whom to erase.", violations=[FieldViolation("customer_email", "This or account_id is required.")]
            )
        if wrong := list(text.email_violations("customer_email", customer_email)) if customer_email else []:
            raise InvalidArgument("The address is not valid.", violations=wrong)
        target = {
            "customer_email": customer_email or None,
            "account_id": str(account_id) if account_id else None,
            "actor_id": principal.account_id or None,
        }
        async with self._database.transaction() as connection:
            if account_id:
                await _remove_account(connection, account_id, principal)
            total = await erasing.count_of_person(connection, customer_email or None, account_id)
            job = await jobs.add(connection, "erasure", target, total)
            by = [name for name in ("customer_email", "account_id") if target[name]]
            detail = {"by": by, "account_id": target["account_id"], "inquiries": total}
            await audit.record(connection, "erasure.create", target=str(job.id), detail=detail)
        return job

    async def job(self, id_: UUID, principal: Principal) -> JobRecord:
        """How far a job has come. Raises PermissionDenied and NotFound."""
        require_admin(principal)
        job = await jobs.get(self._database, id_)
        if job is None:
            raise NotFound("There is no such job.")
        return job


async def advance(connection: Connection, job: JobRecord, retention_days: int | None) -> bool:
    """Erase the next batch of a held job and count it in the same transaction, so that no crash repeats anything.

    False when there was nothing left to erase.
    """
    ids, actor_id = await _next(connection, job, retention_days)
    if ids:
        actor: Literal["agent", "system"] = "agent" if job.kind == "erasure" else "system"
        await jobs.move(connection, job.id, await erasing.erase(connection, ids, actor, actor_id))
    elif job.target.get("account_id") is None or job.now - job.create_time > SESSIONS_END:
        await jobs.end(connection, job.id, "done")
        if job.done:
            detail = {"inquiries": job.done}
            await audit.record(connection, f"{job.kind}.finish", target=str(job.id), actor_id=actor_id, detail=detail)
    return bool(ids)


async def begin_retention(connection: Connection, retention_days: int) -> None:
    """Have what is too old erased, once a day; the caller must be the only one to do so."""
    if not await jobs.begun_within(connection, "retention", RETENTION_EVERY_HOURS):
        await jobs.add(connection, "retention", {}, await erasing.count_old(connection, retention_days))


async def _next(connection: Connection, job: JobRecord, retention_days: int | None) -> tuple[list[UUID], UUID | None]:
    if job.kind == "retention":
        return await erasing.some_old(connection, retention_days, BATCH) if retention_days else [], None
    account, actor = (UUID(id_) if id_ else None for id_ in (job.target["account_id"], job.target["actor_id"]))
    return await erasing.some_of_person(connection, job.target["customer_email"], account, BATCH), actor


async def _remove_account(connection: Connection, account_id: UUID, principal: Principal) -> None:
    account = await accounts.lock(connection, account_id)
    if account is None:
        return  # what it has sent may still be there
    if account.role != "user":
        raise FailedPrecondition(
            "This is an account of staff: make it a user or remove it first.", reason="STAFF_ACCOUNT"
        )
    await accounts.delete(connection, account_id, _actor_id(principal))


def _actor_id(principal: Principal) -> UUID | None:
    return UUID(principal.account_id) if principal.account_id else None
