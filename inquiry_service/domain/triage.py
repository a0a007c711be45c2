"""The triage of one inquiry: claimed under a lease, completed once, and what a result may change."""

from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain.retry import MAX_AI_CRASHES, MAX_ATTEMPTS, RULES, FailureKind, next_delay
from inquiry_service.domain.settings import Settings
from inquiry_service.storage import knowledge, spending, triage, workers
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.records import CategoryScore, ClaimedJob, HeldJob, Usage
from inquiry_service.storage.workers import Process
from runtime.rpc.errors import Aborted, InvalidArgument

MICROS = 1_000_000
MOST_ALTERNATIVES = 4
FIELDS = (
    *("triage_state", "category", "suggested_category", "category_confidence", "sentiment", "sentiment_score"),
    *("priority", "priority_reason", "language"),
)
"""What the event of a result tells, before and after."""


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What one AI run made of an inquiry. `record` is the whole decision record, kept as it is."""

    categories: list[CategoryScore]
    sentiment: str
    sentiment_score: float
    priority: str
    priority_reason: str
    language: str
    draft: str
    model: str
    usage: Usage
    embedding: bytes
    encoder_version: str
    record: dict[str, Any]


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

    async def claim(self, inquiry_id: UUID, worker: str) -> ClaimedJob | None:
        """Take the job under a new claim number; None when there is nothing to do."""
        if not worker:
            raise InvalidArgument.field("worker", "Must name the worker.")
        return await triage.claim(self._database, inquiry_id, worker, self._lease)

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

    async def complete(self, inquiry_id: UUID, claim: int, analysis: Analysis) -> bool:
        """Store a result; False when a newer message makes it superseded. Raises Aborted (STALE_CLAIM)."""
        async with self._database.transaction() as connection:
            held = await _hold(connection, inquiry_id, claim)
            await spending.add(connection, analysis.usage)
            if held.requested_revision > held.claimed_revision:
                await triage.supersede(connection, inquiry_id, analysis.record)
                await _requeue(connection, inquiry_id, Leaving("triage_superseded", held.attempt, delay=0.0))
                return False
            fields = decide(held, _within(held.taxonomy, analysis), self._settings.values.confidence_threshold)
            before = {name: getattr(held, name) for name in FIELDS}
            changes = {name: [before[name], fields[name]] for name in FIELDS if before[name] != fields[name]}
            await triage.complete(
                connection,
                {
                    **fields,
                    "inquiry_id": inquiry_id,
                    "claim": claim,
                    "outcome": "suggested" if fields["triage_state"] == "needs_review" else "applied",
                    "record": analysis.record,
                    "draft": analysis.draft,
                    "cited": analysis.record["cited"],
                    "missing": analysis.record["missing"],
                    "embedding": analysis.embedding or None,
                    "encoder_version": analysis.encoder_version,
                    "event_body": {
                        "claim": claim,
                        "model": analysis.model,
                        "changes": changes,
                        # What statistics count as the machine's choice, also when it is what it was before.
                        **({} if "category" in held.human_versions else {"category": _chosen(fields)}),
                    },
                },
            )
            if analysis.embedding and "category" in held.human_versions:
                await knowledge.tell_again(connection, [inquiry_id])
            return True

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


def decide(held: HeldJob, analysis: Analysis, threshold: float) -> dict[str, Any]:
    """The inquiry's new triage fields. What a person has set stays; an unsure category is suggested, not set; pure."""
    best, *others = analysis.categories
    human = held.human_versions
    fields: dict[str, Any] = {
        "triage_state": "done",
        "category": held.category,
        "suggested_category": None,
        "category_confidence": held.category_confidence,
        "alternatives": held.alternatives,
        "sentiment": held.sentiment if "sentiment" in human else analysis.sentiment,
        "sentiment_score": held.sentiment_score if "sentiment" in human else analysis.sentiment_score,
        "priority": held.priority if "priority" in human else analysis.priority,
        "priority_reason": held.priority_reason if "priority" in human else analysis.priority_reason,
        "language": analysis.language,
    }
    if "category" in human:
        return fields
    sure = best.confidence >= threshold
    fields |= {
        "triage_state": "done" if sure else "needs_review",
        "category": best.category if sure else None,
        "suggested_category": None if sure else best.category,
        "category_confidence": best.confidence,
        "alternatives": [msgspec.to_builtins(other) for other in others[:MOST_ALTERNATIVES]],
    }
    return fields


def _chosen(fields: dict[str, Any]) -> Any:
    return fields["suggested_category"] or fields["category"]


def _within(taxonomy: list[str], analysis: Analysis) -> Analysis:
    # What was switched off while the AI worked is no longer given to anything.
    categories = [score for score in analysis.categories if score.category in taxonomy]
    if not categories:
        raise InvalidArgument.field("analysis.categories", "Must name a category of the taxonomy.")
    return msgspec.structs.replace(analysis, categories=categories)


async def _hold(connection: Connection, inquiry_id: UUID, claim: int) -> HeldJob:
    held = await triage.hold(connection, inquiry_id, claim)
    if held is None:
        raise Aborted("This claim is no longer the current one.", reason="STALE_CLAIM")
    return held


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
