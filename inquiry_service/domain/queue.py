"""The queue as operators see it, and how they have failed jobs tried again."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar, get_args
from uuid import UUID

import msgspec

from inquiry_service.domain import audit
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_admin, require_staff
from inquiry_service.storage import queue, throughput, workers
from inquiry_service.storage.database import Database
from inquiry_service.storage.queue import JobFilter, JobRecord, LaneDepth, OldestRecord, QueueState
from inquiry_service.storage.throughput import Amount
from inquiry_service.storage.workers import WorkerRecord, WorkRecord
from runtime.rpc.context import Principal
from runtime.rpc.errors import InvalidArgument

T = TypeVar("T")

LONGEST_WAIT = timedelta(seconds=120)
"""Work that has been due for longer is not being done."""

FRESH_SECONDS = 1.0
RATES = (1, 5, 60)
MINUTES = 60
MOST_WORK = 100
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 50, 100
MOST_IDS = 500
BATCH, MOST_RETRIED = 200, 1_000
RETRIAGE_LANE = 1

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (_BEGINNING, UUID(int=0))
_NEWEST_FIRST = (_BEGINNING, UUID(int=(1 << 128) - 1))
_TIME_BYTES = 8


class Fresh(Generic[T]):
    """What costs something to find out, found out at most once a second, however many ask."""

    def __init__(self, find_out: Callable[[], Awaitable[T]]) -> None:
        self._find_out = find_out
        self._finding = asyncio.Lock()
        self._found: tuple[float, T] | None = None

    async def get(self) -> T:
        """Raises what finding out raises."""
        async with self._finding:
            now = asyncio.get_running_loop().time()
            if self._found is None or now - self._found[0] > FRESH_SECONDS:
                self._found = now, await self._find_out()
            return self._found[1]


class Rate(msgspec.Struct, frozen=True):
    """Jobs per minute over the last `minutes`, by measure."""

    minutes: int
    amounts: Mapping[str, float]


class Minute(msgspec.Struct, frozen=True):
    """What one minute brought, by measure."""

    time: datetime
    amounts: Mapping[str, int]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the queue as a whole."""

    time: datetime
    counted_until: datetime
    lanes: Sequence[LaneDepth]
    oldest: OldestRecord | None
    next_retry_time: datetime | None
    failed: Sequence[tuple[str, int]]
    rates: Sequence[Rate]
    minutes: Sequence[Minute]
    workers: Sequence[tuple[WorkerRecord, Sequence[WorkRecord]]]


class WorkHealth(msgspec.Struct, frozen=True):
    """Whether work is done in time, by the age of what waits."""

    healthy: bool
    oldest: OldestRecord | None
    workers: int


class JobPage(msgspec.Struct, frozen=True):
    """The token is empty at the end."""

    items: Sequence[JobRecord]
    next_page_token: str


class Retried(msgspec.Struct, frozen=True):
    """How many were queued, how many of those that were named had not failed, and whether there are more."""

    retried: int
    skipped: int
    more: bool


class QueueMonitor:
    """Reads for staff; admins act."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        self._database = database
        self._tokens = tokens
        self._overview = Fresh(self._count)
        self._health = Fresh(self._check)

    async def overview(self, principal: Principal) -> Overview:
        """All numbers, at most a second old, counted once however many screens ask. Raises PermissionDenied."""
        require_staff(principal)
        return await self._overview.get()

    async def health(self) -> WorkHealth:
        """At most a second old; for anyone, since it tells of no person."""
        return await self._health.get()

    async def _check(self) -> WorkHealth:
        oldest = await queue.oldest(self._database)
        healthy = oldest is None or oldest.age <= LONGEST_WAIT.total_seconds()
        return WorkHealth(healthy, oldest, await workers.count_alive(self._database))

    async def jobs(
        self, state: QueueState, filter_: JobFilter, size: int, page_token: str, principal: Principal
    ) -> JobPage:
        """A page of jobs in one state. Raises PermissionDenied and InvalidArgument."""
        require_staff(principal)
        if state not in get_args(QueueState):
            raise InvalidArgument.field("state", f"Must be one of: {', '.join(get_args(QueueState))}.")
        limit = page_size(size, default=DEFAULT_PAGE_SIZE, largest=LARGEST_PAGE_SIZE)
        binding = ("queue", state, filter_)
        first = _NEWEST_FIRST if state == "failed" else _FIRST
        after = _position(self._tokens.open(page_token, *binding)) if page_token else first
        listed = await queue.page(self._database, state, filter_, after=after, size=limit + 1)
        items, more = listed[:limit], len(listed) > limit
        return JobPage(items, self._tokens.seal(_packed(items[-1]), *binding) if more else "")

    async def retry(self, ids: Sequence[UUID], filter_: JobFilter, principal: Principal) -> Retried:
        """Queue failed jobs again: the named ones, or those that the filter lets through, in bounded batches.

        Raises PermissionDenied and InvalidArgument.
        """
        require_admin(principal)
        if len(ids) > MOST_IDS:
            raise InvalidArgument.field("inquiry_ids", f"Name at most {MOST_IDS} at once.")
        actor_id = UUID(principal.account_id) if principal.account_id else None
        retried, more = 0, False
        if ids:
            retried = await self._retry_batch(list(dict.fromkeys(ids)), actor_id)
        else:
            retried, more = await self._retry_matching(filter_, actor_id)
        if retried:
            asked = {"ids": len(ids)} if ids else _told(filter_)
            await audit.record(self._database, "queue.retry", detail={"retried": retried, **asked})
        return Retried(retried, len(set(ids)) - retried if ids else 0, more)

    async def _retry_matching(self, filter_: JobFilter, actor_id: UUID | None) -> tuple[int, bool]:
        retried = 0
        for _ in range(MOST_RETRIED // BATCH):
            async with self._database.transaction() as connection:
                ids = await queue.failed_ids(connection, filter_, BATCH)
            retried += await self._retry_batch(ids, actor_id)
            if len(ids) < BATCH:
                return retried, False
        async with self._database.transaction() as connection:
            return retried, bool(await queue.failed_ids(connection, filter_, 1))

    async def _retry_batch(self, ids: Sequence[UUID], actor_id: UUID | None) -> int:
        async with self._database.transaction() as connection:
            return await queue.retry(connection, ids, lane=RETRIAGE_LANE, actor_id=actor_id)

    async def _count(self) -> Overview:
        now, until = await throughput.counted_until(self._database)
        amounts = await throughput.since(self._database, (MINUTES + 1) * 60)
        held: defaultdict[str, list[WorkRecord]] = defaultdict(list)
        for claim in await workers.work(self._database):
            held[claim.worker].append(claim)
        return Overview(
            time=now,
            counted_until=until,
            lanes=await queue.depth(self._database),
            oldest=await queue.oldest(self._database),
            next_retry_time=await queue.next_retry(self._database),
            failed=await queue.failed_by_reason(self._database),
            rates=[_rate(amounts, now, minutes) for minutes in RATES],
            minutes=_minutes(amounts, now),
            workers=[(one, held[one.name][:MOST_WORK]) for one in await workers.remembered(self._database)],
        )


def _rate(amounts: Sequence[Amount], now: datetime, minutes: int) -> Rate:
    sums: Counter[str] = Counter()
    for amount in amounts:
        if amount.bucket >= now - timedelta(minutes=minutes):
            sums[amount.measure] += amount.amount
    return Rate(minutes, {measure: total / minutes for measure, total in sums.items()})


def _minutes(amounts: Sequence[Amount], now: datetime) -> list[Minute]:
    last = now.replace(second=0, microsecond=0)
    sums: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for amount in amounts:
        sums[amount.bucket.replace(second=0)][amount.measure] += amount.amount
    times = (last - timedelta(minutes=ago) for ago in reversed(range(MINUTES)))
    return [Minute(time, sums[time]) for time in times]


def _packed(job: JobRecord) -> bytes:
    return ((job.time - _BEGINNING) // timedelta(microseconds=1)).to_bytes(_TIME_BYTES) + job.inquiry_id.bytes


def _position(packed: bytes) -> tuple[datetime, UUID]:
    time = _BEGINNING + timedelta(microseconds=int.from_bytes(packed[:_TIME_BYTES]))
    return time, UUID(bytes=packed[_TIME_BYTES:])


def _told(filter_: JobFilter) -> dict[str, object]:
    return {name: value for name, value in msgspec.to_builtins(filter_).items() if value}
