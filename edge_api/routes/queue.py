"""The queue as operators see it."""

from collections.abc import Mapping

from litestar import get, post
from msgspec import UNSET
from pok.inquiry.v1 import queue_pb2

from edge_api.body import EdgeRequest
from edge_api.convert import names, numbers, time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.queue import (
    FailedReason,
    JobFilter,
    JobPage,
    JobQuery,
    LaneDepth,
    OldestJob,
    Queue,
    QueueJob,
    QueueLane,
    QueueMinute,
    QueueRate,
    QueueState,
    QueueWorker,
    Retried,
    Retry,
    WorkInHand,
)
from runtime.rpc.errors import InvalidArgument

STATE: Mapping[int, QueueState] = names(queue_pb2.QueueState, "QUEUE_STATE_")
LANE: Mapping[int, QueueLane] = names(queue_pb2.QueueLane, "QUEUE_LANE_")
STATE_NUMBER = numbers(STATE)
LANE_NUMBER = numbers(LANE)


@get(
    "/api/queue",
    summary="Look at the queue",
    tags=["queue"],
    response_description="Depth, ages, rates and workers.",
    **operation("get_queue", 401, 403),
)
async def get_queue(request: EdgeRequest) -> Queue:
    """What waits for the AI and since when, how fast it comes and goes, which workers are alive and what they hold, how
    many inquiries have failed and why.
    """
    queue = await request.backend.queue.GetQueue(queue_pb2.GetQueueRequest())
    lanes = [
        LaneDepth(lane=LANE[depth.lane], waiting=depth.waiting, retrying=depth.retrying, running=depth.running)
        for depth in queue.lanes
    ]
    return Queue(
        time=time_of(queue.time),
        waiting=sum(depth.waiting for depth in lanes),
        retrying=sum(depth.retrying for depth in lanes),
        running=sum(depth.running for depth in lanes),
        failed=sum(failed.count for failed in queue.failed),
        lanes=lanes,
        oldest=_oldest(queue.oldest) if queue.HasField("oldest") else None,
        next_retry_time=time_of(queue.next_retry_time) if queue.HasField("next_retry_time") else None,
        failed_reasons=[FailedReason(failed.reason, failed.count) for failed in queue.failed],
        rates=[
            QueueRate(
                minutes=rate.minutes, arrived=rate.arrived, done=rate.done, failed=rate.failed, retried=rate.retried
            )
            for rate in queue.rates
        ],
        minutes=[
            QueueMinute(time=time_of(minute.time), arrived=minute.arrived, done=minute.done, failed=minute.failed)
            for minute in queue.minutes
        ],
        counted_until=time_of(queue.counted_until),
        workers=[_worker(worker) for worker in queue.workers],
        most_attempts=queue.most_attempts,
    )


@get(
    "/api/queue/jobs",
    summary="List jobs",
    tags=["queue"],
    response_description="A page of jobs.",
    **operation("list_queue_jobs", 400, 401, 403),
)
async def list_queue_jobs(request: EdgeRequest) -> JobPage:
    """The analyses that are waiting, to be retried, running or failed, each with why and until when. What happened to
    one of them before stands in `/api/inquiries/{inquiry_id}/events/`, filtered by `kind`.
    """
    query = request.query(JobQuery)
    response = await request.backend.queue.ListQueueJobs(
        queue_pb2.ListQueueJobsRequest(
            state=STATE_NUMBER[query.state],
            filter=_filter(query),
            page_size=query.page_size,
            page_token=query.page_token,
        )
    )
    return JobPage(items=[_job(job) for job in response.jobs], next_page_token=response.next_page_token or None)


@post(
    "/api/queue/retry",
    summary="Have failed analyses tried again",
    tags=["queue"],
    status_code=200,
    response_description="How many were queued.",
    **operation("retry_queue_jobs", 401, 403, *BODY_ERRORS),
)
async def retry_queue_jobs(request: EdgeRequest, data: Retry) -> Retried:
    """Queues them behind what is live, as if they had never failed; at most 1,000 in one call. What has not failed is
    left alone, so that the same call may be repeated. Each inquiry's timeline says who asked for it.
    """
    if (data.inquiry_ids is UNSET) == (data.filter is UNSET):
        raise InvalidArgument.field("filter", "Name either inquiry_ids or a filter; an empty filter stands for all.")
    response = await request.backend.queue.RetryJobs(
        queue_pb2.RetryJobsRequest(
            inquiry_ids=None if data.inquiry_ids is UNSET else data.inquiry_ids,
            filter=None if data.filter is UNSET else _filter(data.filter),
        )
    )
    return Retried(retried=response.retried, skipped=response.skipped, more=response.more)


def _filter(filter_: JobFilter) -> queue_pb2.JobFilter:
    return queue_pb2.JobFilter(
        reasons=filter_.reason,
        lanes=[LANE_NUMBER[lane] for lane in filter_.lane],
        categories=filter_.category,
        older_than_seconds=filter_.older_than,
    )


def _oldest(oldest: queue_pb2.OldestJob) -> OldestJob:
    return OldestJob(
        inquiry_id=oldest.inquiry_id,
        reference=oldest.reference,
        lane=LANE[oldest.lane],
        since=time_of(oldest.since),
        age_seconds=oldest.age.ToTimedelta().total_seconds(),
        reason=oldest.reason or None,
    )


def _worker(worker: queue_pb2.QueueWorker) -> QueueWorker:
    return QueueWorker(
        name=worker.name,
        host=worker.host,
        pid=worker.pid,
        version=worker.version,
        concurrency=worker.concurrency,
        start_time=time_of(worker.start_time),
        beat_time=time_of(worker.beat_time),
        alive=worker.alive,
        work=[
            WorkInHand(inquiry_id=work.inquiry_id, reference=work.reference, since=time_of(work.since))
            for work in worker.work
        ],
    )


def _job(job: queue_pb2.QueueJob) -> QueueJob:
    return QueueJob(
        inquiry_id=job.inquiry_id,
        reference=job.reference,
        state=STATE[job.state],
        lane=LANE[job.lane],
        category=job.category or None,
        attempts=job.attempts,
        crashes=job.crashes,
        ai_crashes=job.ai_crashes,
        reason=job.reason or None,
        time=time_of(job.time),
        claim=job.claim,
        worker=job.worker or None,
        create_time=time_of(job.create_time),
    )
