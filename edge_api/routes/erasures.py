"""Erasing people, and the progress of long work."""

from typing import Annotated, cast
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from msgspec import UNSET
from pok.inquiry.v1 import erasure_pb2

from edge_api.body import EdgeRequest
from edge_api.convert import names, time_of
from edge_api.openapi import BODY_ERRORS, operation
from edge_api.schemas.erasures import Job, JobKind, NewErasure

STATE = names(erasure_pb2.JobState, "JOB_STATE_")
LOCATION = ResponseHeader(name="Location", documentation_only=True, description="Path of the job.")

JobId = Annotated[UUID, Parameter(description="UUID of the job.")]


@post(
    "/api/erasures",
    status_code=202,
    summary="Erase a person",
    tags=["erasure"],
    response_description="The work has begun.",
    response_headers=[LOCATION],
    **operation("create_erasure", 401, 403, 409, *BODY_ERRORS),
)
async def create_erasure(request: EdgeRequest, data: NewErasure) -> Response[Job]:
    """Erases all inquiries that were sent from an address, whatever its case, or from an account, with their messages,
    notes, drafts, AI records, embeddings and tags. An account is removed at once, and its sessions end; accounts of
    staff are refused. What happened to the inquiries stays in the event log, which holds nothing personal.
    """
    response = await request.backend.erasure.CreateErasure(
        erasure_pb2.CreateErasureRequest(
            customer_email="" if data.customer_email is UNSET else data.customer_email,
            account_id="" if data.account_id is UNSET else data.account_id,
        )
    )
    job = _job(response.job)
    return Response(job, status_code=202, headers={"Location": f"/api/jobs/{job.id}/"})


@get(
    "/api/jobs/{job_id:uuid}",
    summary="Read how far a job is",
    tags=["erasure"],
    response_description="The job.",
    **operation("get_job", 400, 401, 403, 404),
)
async def get_job(request: EdgeRequest, job_id: JobId) -> Job:
    """A job that is over can be asked for during 30 days."""
    response = await request.backend.erasure.GetJob(erasure_pb2.GetJobRequest(id=str(job_id)))
    return _job(response.job)


def _job(job: erasure_pb2.Job) -> Job:
    return Job(
        id=job.id,
        kind=cast("JobKind", job.kind),
        state=STATE[job.state],
        done=job.done,
        total=job.total,
        create_time=time_of(job.create_time),
        update_time=time_of(job.update_time),
    )
