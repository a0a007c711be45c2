"""The triage of one inquiry: claimed under a lease, completed once, and what a result may change."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain.analysis import Analysis, row_of, within
from inquiry_service.domain.retry import MAX_AI_CRASHES, MAX_ATTEMPTS, RULES, FailureKind, next_delay
from inquiry_service.domain.settings import Settings
from inquiry_service.storage import knowledge, spending, triage, workers
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.records import ClaimedJob, HeldJob, Usage
from inquiry_service.storage.workers import Process
from runtime.rpc.errors import Aborted, InvalidArgument, RpcError

MICROS = 1_000_000


class Result(msgspec.Struct, frozen=True):
    """What came of a claim."""

    inquiry_id: UUID
    claim: int
    analysis: Analysis


class Leaving(msgspec.Struct, frozen=True):
    """How a claim ends without a result: what its event is called, and when it is due again.

    Without a `delay` (in seconds) it keeps its place in the queue. `deferred` = through no fault of its own.
    """

    kind: str
    attempt: int
    reason: str | None = None
    delay: float | None = None
    deferred: bool = False


class Triage:
    """The queue's operations. Times are in seconds."""

    def __init__(self, database: Database, settings: Settings, *, lease: float) -> None:
        self._database = database
        self._settings = settings
        self._lease = lease

    async def claim(self, inquiry_ids: Sequence[UUID], worker: str) -> list[ClaimedJob]:
        """Take jobs under new claim numbers; those with which there is nothing to do are left out."""
        if not worker:
            raise InvalidArgument.field("worker", "Must name the worker.")
        return await triage.claim(self._database, inquiry_ids, worker, self._lease)

    def spend_left(self, job: ClaimedJob) -> int | None:
        """What the AI may still cost today, in millionths, never below 0; None without a cap."""
        return spend_left(self._settings, job.spent_micros)

    async def renew(
        self, claims: list[tuple[UUID, int]], process: Process | None = None, *, stopped: bool = False
    ) -> list[tuple[UUID, int]]:
        """Prolong all claims of a worker, and note that it is alive or has stopped; returns those that it has lost."""
        current = await triage.renew(self._database, claims, self._lease)
        if process:
            await (workers.stop if stopped else workers.beat)(self._database, process)
        return [claim for claim in claims if claim not in current]

    async def complete(self, results: Sequence[Result]) -> list[bool | RpcError]:
        """Store results in one commit. For each: False when a newer message makes it superseded, or why it is refused.

        Refused is what belongs to no current claim (Aborted, STALE_CLAIM), and what names no category of the taxonomy.
        """
        async with self._database.transaction() as connection:
            held = await triage.hold(connection, [(result.inquiry_id, result.claim) for result in results])
            outcomes: list[bool | RpcError] = []
            completed: list[tuple[HeldJob, Analysis]] = []
            for result in results:
                job = held.get((result.inquiry_id, result.claim))
                if job is None:
                    outcomes.append(_stale())
                elif job.requested_revision > job.claimed_revision:
                    await triage.supersede(connection, job.inquiry_id, result.analysis.record)
                    await _requeue(connection, job.inquiry_id, Leaving("triage_superseded", job.attempt, delay=0.0))
                    await spending.add(connection, result.analysis.usage)
                    outcomes.append(False)
                elif analysis := within(job.taxonomy, result.analysis):
                    completed.append((job, analysis))
                    outcomes.append(True)
                else:
                    outcomes.append(
                        InvalidArgument.field("analysis.categories", "Must name a category of the taxonomy.")
                    )
            await self._write(connection, completed)
            return outcomes

    async def _write(self, connection: Connection, completed: Sequence[tuple[HeldJob, Analysis]]) -> None:
        if not completed:
            return
        threshold = self._settings.values.confidence_threshold
        rows = [row_of(job, analysis, threshold) for job, analysis in completed]
        await triage.complete(connection, rows, [analysis.embedding for _, analysis in completed])
        decided = [job.inquiry_id for job, made in completed if made.embedding and "category" in job.human_versions]
        if decided:
            await knowledge.tell_again(connection, decided)
        await spending.add(connection, *(analysis.usage for _, analysis in completed))

    async def fail(
        self, inquiry_id: UUID, claim: int, kind: FailureKind, reason: str, asked: float | None, usage: Usage
    ) -> Any | None:
        """Count the failure and requeue, or fail for good; returns when it runs again. Raises Aborted (STALE_CLAIM)."""
        async with self._database.transaction() as connection:
            held = await _hold(connection, inquiry_id, claim)
            await spending.add(connection, usage)
            counted = RULES[kind].counted
            attempt = held.attempt + counted
            delay = next_delay(kind, attempt, asked)
            if delay is None and held.requested_revision > held.claimed_revision:
                attempt, delay = 0, 0.0  # what failed for good is out of date
            if delay is None:
                await _give_up(connection, inquiry_id, min(attempt, MAX_ATTEMPTS), reason)
                return None
            retrying = Leaving("triage_retrying", attempt, reason, delay=delay, deferred=not counted)
            return await _requeue(connection, inquiry_id, retrying)

    async def release(self, inquiry_id: UUID, claim: int, *, ai_unreachable: bool = False) -> None:
        """Give the claim back unused, to its old place in the queue. Raises Aborted (STALE_CLAIM).

        With `ai_unreachable` the AI service went away, perhaps because of it: it is put off, and at last failed.
        """
        async with self._database.transaction() as connection:
            held = await _hold(connection, inquiry_id, claim)
            if not ai_unreachable:
                await _requeue(connection, inquiry_id, Leaving("triage_released", held.attempt, deferred=True))
                return
            times, crashes = await triage.count_unreached(connection, inquiry_id)
            if crashes >= MAX_AI_CRASHES:
                await _give_up(connection, inquiry_id, held.attempt, "crashed_ai_service")
                return
            delay = next_delay("unreachable", times, None)
            released = Leaving("triage_released", held.attempt, "ai_unreachable", delay=delay, deferred=True)
            await _requeue(connection, inquiry_id, released)


def spend_left(settings: Settings, spent_micros: int | None) -> int | None:
    """What the AI may still cost today, having cost so much, in millionths, never below 0; None without a cap."""
    cap = settings.values.daily_spend_cap
    return None if cap is None else max(0, round(cap * MICROS) - (spent_micros or 0))


async def _hold(connection: Connection, inquiry_id: UUID, claim: int) -> HeldJob:
    held = await triage.hold(connection, [(inquiry_id, claim)])
    if not held:
        raise _stale()
    return held[inquiry_id, claim]


def _stale() -> Aborted:
    return Aborted("This claim is no longer the current one.", reason="STALE_CLAIM")


async def _requeue(connection: Connection, inquiry_id: UUID, leaving: Leaving) -> Any:
    return await triage.leave(
        connection,
        {"inquiry_id": inquiry_id, "job_state": "queued", "triage_state": "queued", **msgspec.structs.asdict(leaving)},
    )


async def _give_up(connection: Connection, inquiry_id: UUID, attempt: int, reason: str) -> None:
    failed = Leaving("triage_failed", attempt, reason, delay=0.0)
    await triage.leave(
        connection,
        {"inquiry_id": inquiry_id, "job_state": "idle", "triage_state": "failed", **msgspec.structs.asdict(failed)},
    )
