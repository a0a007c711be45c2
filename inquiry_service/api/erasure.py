"""ErasureService: erasing people, and the progress of long work."""

from collections.abc import Callable
from typing import Any

from pok.inquiry.v1 import erasure_pb2, erasure_pb2_grpc

from inquiry_service.api import convert
from inquiry_service.domain.erasing import Erasing
from inquiry_service.storage.jobs import JobRecord
from runtime.rpc.context import principal

STATE = convert.Words(erasure_pb2.JobState.DESCRIPTOR)


class ErasureServicer(erasure_pb2_grpc.ErasureServiceServicer):
    """Converts, calls one operation, converts back; `wake` tells the one who does the work."""

    def __init__(self, erasing: Erasing, wake: Callable[[], None]) -> None:
        self._erasing = erasing
        self._wake = wake

    async def CreateErasure(
        self, request: erasure_pb2.CreateErasureRequest, context: Any
    ) -> erasure_pb2.CreateErasureResponse:
        """The job that has begun."""
        account_id = convert.uuid_in("account_id", request.account_id) if request.account_id else None
        job = await self._erasing.erase_person(request.customer_email, account_id, principal())
        self._wake()
        return erasure_pb2.CreateErasureResponse(job=_job(job))

    async def GetJob(self, request: erasure_pb2.GetJobRequest, context: Any) -> erasure_pb2.GetJobResponse:
        """One job."""
        id_ = convert.uuid_of(request.id, missing="There is no such job.")
        return erasure_pb2.GetJobResponse(job=_job(await self._erasing.job(id_, principal())))


def _job(job: JobRecord) -> erasure_pb2.Job:
    return erasure_pb2.Job(
        id=str(job.id),
        kind=job.kind,
        state=STATE.number(job.state),
        done=job.done,
        total=job.total,
        create_time=convert.timestamp(job.create_time),
        update_time=convert.timestamp(job.update_time),
    )
