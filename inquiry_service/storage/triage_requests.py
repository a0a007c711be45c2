"""Asking for an analysis of an inquiry that had one before."""

from uuid import UUID

from inquiry_service.storage.database import Connection, Statement

_LOCK = Statement("select from triage_job where inquiry_id = :inquiry_id for update")
# A retriage needs no new message, so that the revision may run ahead of the messages' numbers.
_REQUEST = Statement(
    """update triage_job set requested_revision = greatest(requested_revision + 1, :revision), lane = :lane,
        attempt = case state when 'running' then attempt else 0 end,
        run_after = case state when 'running' then run_after else now() end,
        rung_at = case state when 'running' then rung_at else now() end,
        state = case state when 'running' then state else 'queued' end
    where inquiry_id = :inquiry_id returning state"""
)


async def lock(connection: Connection, inquiry_id: UUID) -> None:
    """Lock the job, which whoever locks job and inquiry does first."""
    await connection.row(_LOCK, inquiry_id=inquiry_id)


async def request(connection: Connection, inquiry_id: UUID, *, revision: int, lane: int) -> str:
    """Ask for another analysis, of the conversation up to the message numbered `revision`; returns the job's state.

    A claim that is held stays so: its result will be outdated, and the job queued again.
    """
    row = await connection.row(_REQUEST, inquiry_id=inquiry_id, revision=revision, lane=lane)
    return str(row["state"]) if row else ""
