"""Whatever goes wrong behind the edge, the caller gets a problem with a status of its own and no internals."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from pok.account.v1 import account_pb2

from edge_api.access import OPEN
from runtime.rpc import errors
from tests.support.backend_stub import BackendStub
from tests.support.document import OPERATIONS
from tests.support.edge import Edge, bearer, edge, problem

INQUIRY = "/api/inquiries/0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f/"
# The live feed is watched by the edge for all.
CALLS_THE_SERVICE = OPERATIONS.keys() - {"get_index", "check_liveness", "check_readiness", "stream_events"}
REFUSALS: list[tuple[errors.RpcError, int, str]] = [
    (errors.InvalidArgument("It is odd."), 400, "invalid-request"),
    (errors.Unauthenticated("Log in."), 401, "unauthenticated"),
    (errors.Unauthenticated("It is over.", reason="SESSION_ENDED"), 401, "session-ended"),
    (errors.Unauthenticated("Wrong.", reason="BAD_CREDENTIALS"), 401, "bad-credentials"),
    (errors.Unauthenticated("Spent.", reason="BAD_REFRESH_TOKEN"), 401, "bad-refresh-token"),
    (errors.PermissionDenied("Not with that view.", reason="VIEW_LACKS_FIELD"), 401, "unauthenticated"),
    (errors.NotFound("There is none."), 404, "not-found"),
    (errors.AlreadyExists("It is taken."), 409, "conflict"),
    (errors.Aborted("Too late."), 409, "conflict"),
    (errors.Aborted("Used.", reason="IDEMPOTENCY_CONFLICT"), 409, "idempotency-conflict"),
    (errors.FailedPrecondition("Not now."), 409, "conflict"),
    (errors.FailedPrecondition("No way.", reason="ILLEGAL_TRANSITION"), 409, "illegal-transition"),
    (errors.FailedPrecondition("It moved on.", reason="VERSION_MISMATCH"), 412, "version-mismatch"),
    (errors.InvalidArgument("Start again.", reason="BAD_PAGE_TOKEN"), 400, "bad-page-token"),
    (errors.ResourceExhausted("Slower.", retry_delay=6.2), 429, "rate-limited"),
    (errors.Unavailable("Later.", retry_delay=2.0), 503, "unavailable"),
    (errors.DeadlineExceeded("Too slow."), 504, "timeout"),
    (errors.Unimplemented("Not yet."), 503, "unavailable"),
]


@pytest.fixture(scope="module")
async def failing(stub: BackendStub) -> AsyncIterator[Edge]:
    async with edge(stub.address) as client:
        yield client


@pytest.fixture(autouse=True)
def recovered(stub: BackendStub) -> None:
    stub.failure = None
    stub.calls.clear()


@pytest.mark.parametrize(("error", "status", "key"), REFUSALS, ids=[f"{e.code}-{e.reason}" for e, _, _ in REFUSALS])
async def test_refusal_of_the_service_becomes_its_problem(
    stub: BackendStub, failing: Edge, error: errors.RpcError, status: int, key: str
) -> None:
    stub.failure = error
    answer = await failing.get(INQUIRY)
    assert error.message in problem(answer, status, key)["detail"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_wrong_fields_are_named(stub: BackendStub, failing: Edge) -> None:
    stub.failure = errors.InvalidArgument.field("subject", "It is too long.")
    body = problem(await failing.get(INQUIRY), 400, "invalid-request")
    assert body["errors"] == [{"field": "subject", "message": "It is too long."}]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.ResourceExhausted("Slower.", retry_delay=6.2), "7"),
        (errors.Unavailable("Later.", retry_delay=2.0), "2"),
        (errors.Unavailable("Later."), "1"),
    ],
)
async def test_what_may_be_retried_says_when(
    stub: BackendStub, failing: Edge, error: errors.RpcError, seconds: str
) -> None:
    stub.failure = error
    assert (await failing.get(INQUIRY)).headers["Retry-After"] == seconds


@pytest.mark.parametrize("defect", [RuntimeError("password=hunter2"), errors.Internal("password=hunter2")])
async def test_defect_is_told_without_its_detail(stub: BackendStub, failing: Edge, defect: Exception) -> None:
    stub.failure = defect
    answer = await failing.get(INQUIRY)
    problem(answer, 500, "internal")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("name", sorted(CALLS_THE_SERVICE))
async def test_no_operation_tells_what_went_wrong_inside(stub: BackendStub, failing: Edge, name: str) -> None:
    operation, session = OPERATIONS[name], f"session-of-{name}"
    stub.sessions[session] = account_pb2.Account(id="a1", role=account_pb2.ROLE_ADMIN)
    headers = {} if name in OPEN else bearer("a1", session)
    await failing.get(INQUIRY, headers=headers)  # from here on the edge knows the session without asking
    stub.failure = RuntimeError("password=hunter2 in select * from account at db.internal:5432")
    content = operation.content()
    complete = {**content, "headers": {**headers, **content.get("headers", {})}}
    answer = await failing.request(operation.method, operation.address(), **complete)
    problem(answer, 500, "internal")
    assert not re.search(r"hunter2|select|account|:5432|Traceback|File ", answer.text)


async def test_service_that_hangs_becomes_a_timeout(stub: BackendStub, failing: Edge) -> None:
    stub.hold.clear()
    try:
        problem(await failing.get(INQUIRY), 504, "timeout")
    finally:
        stub.hold.set()


async def test_request_id_and_principal_reach_the_service(stub: BackendStub, failing: Edge) -> None:
    answer = await failing.get(INQUIRY, headers={"X-Request-Id": "my-request.1"})
    assert answer.headers["X-Request-Id"] == "my-request.1"
    (call,) = stub.calls
    assert (call.request_id, call.principal.role, call.service) == ("my-request.1", "anonymous", "edge")
    assert call.deadline is not None


async def test_edge_starts_while_its_service_is_down_and_says_so() -> None:
    async with edge("127.0.0.1:1") as client:
        assert (await client.get("/api/health/live")).status_code == 200
        ready, listed = await asyncio.gather(client.get("/api/health/ready"), client.get("/api/inquiries/"))
        for answer in (ready, listed):
            problem(answer, 503, "unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
