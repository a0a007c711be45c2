"""QueueService: the queue as operators see it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration
from pok.inquiry.v1 import queue_pb2, queue_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.queue import Minute, Overview, QueueMonitor, Rate
from inquiry_service.domain.retry import MAX_ATTEMPTS
from inquiry_service.domain.vocabulary import reference
from inquiry_service.storage.queue import LANES, JobFilter, JobRecord, OldestRecord, QueueState
from inquiry_service.storage.workers import WorkerRecord, WorkRecord
from runtime.rpc.context import principal
from runtime.rpc.errors import InvalidArgument

STATE = convert.Words(queue_pb2.QueueState.DESCRIPTOR)
FIRST_LANE = int(queue_pb2.QUEUE_LANE_LIVE)


class QueueServicer(queue_pb2_grpc.QueueServiceServicer):
    """Converts, calls one operation, converts back. `wake` tells the sweeper that the queue has changed."""

    def __init__(self, monitor: QueueMonitor, wake: Callable[[], None]) -> None:
        self._monitor = monitor
        self._wake = wake

    async def GetQueue(self, request: queue_pb2.GetQueueRequest, context: Any) -> queue_pb2.GetQueueResponse:
        """All numbers."""
        return _overview(await self._monitor.overview(principal()))

    async def CheckWork(self, request: queue_pb2.CheckWorkRequest, context: Any) -> queue_pb2.CheckWorkResponse:
        """Whether work is done in time."""
        health = await self._monitor.health()
        oldest = _oldest(health.oldest) if health.oldest else None
        return queue_pb2.CheckWorkResponse(healthy=health.healthy, oldest=oldest, workers=health.workers)

    async def ListQueueJobs(
        self, request: queue_pb2.ListQueueJobsRequest, context: Any
    ) -> queue_pb2.ListQueueJobsResponse:
        """A page of jobs."""
        state = cast("QueueState", STATE.word(request.state, "state"))
        page = await self._monitor.jobs(
            state, _filter(request.filter), request.page_size, request.page_token, principal()
        )
        return queue_pb2.ListQueueJobsResponse(
            jobs=[_job(job, request.state) for job in page.items], next_page_token=page.next_page_token
        )

    async def RetryJobs(self, request: queue_pb2.RetryJobsRequest, context: Any) -> queue_pb2.RetryJobsResponse:
        """Failed ones, queued again."""
        ids = [convert.uuid_of(inquiry_id) for inquiry_id in request.inquiry_ids]
        result = await self._monitor.retry(ids, _filter(request.filter), principal())
        if result.retried:
            self._wake()
        return queue_pb2.RetryJobsResponse(retried=result.retried, skipped=result.skipped, more=result.more)


def _filter(message: queue_pb2.JobFilter) -> JobFilter:
    lanes = [lane - FIRST_LANE for lane in message.lanes]
    if not set(lanes) <= set(LANES):
        raise InvalidArgument.field("filter.lanes", "Must be known lanes.")
    return JobFilter(
        reasons=list(message.reasons),
        lanes=sorted(set(lanes)) or LANES,
        categories=list(message.categories),
        older_than=float(max(0, message.older_than_seconds)),
    )


def _lane(number: int) -> Any:
    return number + FIRST_LANE


def _overview(overview: Overview) -> queue_pb2.GetQueueResponse:
    response = queue_pb2.GetQueueResponse(
        time=convert.timestamp(overview.time),
        counted_until=convert.timestamp(overview.counted_until),
        lanes=[
            queue_pb2.LaneDepth(
                lane=_lane(depth.lane), waiting=depth.waiting, retrying=depth.retrying, running=depth.running
            )
            for depth in overview.lanes
        ],
        oldest=_oldest(overview.oldest) if overview.oldest else None,
        failed=[queue_pb2.FailedReason(reason=reason, count=count) for reason, count in overview.failed],
        rates=map(_rate, overview.rates),
        minutes=map(_minute, overview.minutes),
        workers=[_worker(worker, work) for worker, work in overview.workers],
        most_attempts=MAX_ATTEMPTS,
    )
    if overview.next_retry_time:
        convert.set_time(response.next_retry_time, overview.next_retry_time)
    return response


def _oldest(oldest: OldestRecord) -> queue_pb2.OldestJob:
    age = Duration()
    age.FromTimedelta(timedelta(seconds=oldest.age))
    return queue_pb2.OldestJob(
        inquiry_id=str(oldest.inquiry_id),
        reference=reference(oldest.number),
        lane=_lane(oldest.lane),
        since=convert.timestamp(oldest.since),
        age=age,
        reason=oldest.reason,
    )


def _rate(rate: Rate) -> queue_pb2.QueueRate:
    return queue_pb2.QueueRate(minutes=rate.minutes, **rate.amounts)


def _minute(minute: Minute) -> queue_pb2.QueueMinute:
    shown = {measure: minute.amounts.get(measure, 0) for measure in ("arrived", "done", "failed")}
    return queue_pb2.QueueMinute(time=convert.timestamp(minute.time), **shown)


def _worker(worker: WorkerRecord, work: Sequence[WorkRecord]) -> queue_pb2.QueueWorker:
    return queue_pb2.QueueWorker(
        name=worker.name,
        host=worker.host,
        pid=worker.pid,
        version=worker.version,
        concurrency=worker.concurrency,
        start_time=convert.timestamp(worker.start_time),
        beat_time=convert.timestamp(worker.beat_time),
        alive=worker.alive,
        work=[
            queue_pb2.WorkInHand(
                inquiry_id=str(claim.inquiry_id),
                reference=reference(claim.number),
                since=convert.timestamp(claim.since),
            )
            for claim in work
        ],
    )


def _job(job: JobRecord, state: Any) -> queue_pb2.QueueJob:
    return queue_pb2.QueueJob(
        inquiry_id=str(job.inquiry_id),
        reference=reference(job.number),
        state=state,
        lane=_lane(job.lane),
        category=job.category,
        attempts=job.attempt,
        crashes=job.crashes,
        ai_crashes=job.ai_crashes,
        reason=job.reason,
        time=convert.timestamp(job.time),
        claim=job.claim,
        worker=job.worker,
        create_time=convert.timestamp(job.create_time),
    )
