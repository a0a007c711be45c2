"""Whatever a dependency does, slow, silent or broken: no route answers later than it may, and none with 500."""

import asyncio
import time

import httpx
import psutil
import pytest

from benchmarks.processes import family
from edge_api.deadlines import LONGER, USUAL
from tests.support.cluster import Cluster, Link, cluster
from tests.support.document import OPERATIONS, Operation
from tests.support.load import Load
from tests.support.plan import Plan
from tests.support.read_back import NOTHING_WRONG, outcome
from tests.support.tcp_proxy import Mode

LINKS = (
    *(("edge", "inquiry"), ("edge", "valkey")),
    *(("inquiry", "postgres"), ("inquiry", "valkey"), ("inquiry", "ai")),
    ("worker", "valkey"),
)
MODES: tuple[Mode, ...] = ("slow", "trickle", "blackhole", "reset")
EXEMPT = frozenset({"stream_events", "stream_draft", "import_inquiries", "export_inquiries", "export_audit_entries"})
"""They last as long as they have something to say."""
LEAVING = frozenset({"revoke_token", "revoke_sessions", "delete_inquiry", "create_erasure"})
"""They would end the session, or the inquiry, that the others use."""
LATE = 0.5
HEALED = 30.0
SERVICES = ("edge", "inquiry", "ai", "worker")
MOST_GROWTH = 1.25

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


async def test_no_answer_is_late_or_a_defect_whatever_a_dependency_does(plan: Plan) -> None:
    async with cluster(*LINKS) as system:
        await system.start()
        load = Load(system.http.base_url, plan.rng)
        await load.create(3)
        assert await outcome(system, load.acknowledged, 60) == NOTHING_WRONG
        inquiry_id = next(iter(load.acknowledged))
        wrong = [f"unhurt: {complaint}" for complaint in await call_all(system, inquiry_id)]
        before = memory(system)
        for link in LINKS:
            for mode in MODES:
                await system.links[Link(*link)].be(mode)
                complaints = await call_all(system, inquiry_id)
                await system.links[Link(*link)].be("pass")
                await usable(system)
                plan.say(f"  {' → '.join(link)}, {mode}: {complaints or 'nothing wrong'}")
                wrong += [f"{link} {mode}: {complaint}" for complaint in complaints]
        after = memory(system)
        plan.say(f"  memory before and after, MB: {before}, {after}")
        assert wrong == []
        assert all(after[name] <= before[name] * MOST_GROWTH for name in before)


async def call_all(system: Cluster, inquiry_id: str) -> list[str]:
    """What is wrong with the answers of all routes, called side by side."""
    called = [operation for operation in OPERATIONS.values() if operation.name not in EXEMPT | LEAVING]
    complaints = await asyncio.gather(*(call(system, operation, inquiry_id) for operation in called))
    return [complaint for complaint in complaints if complaint]


async def call(system: Cluster, operation: Operation, inquiry_id: str) -> str:
    object_id = inquiry_id if operation.parameter == "inquiry_id" else ""
    most = LONGER.get(operation.name, USUAL) + LATE
    began = time.monotonic()
    try:
        response = await system.http.request(
            operation.method, operation.address(object_id), **operation.content(), timeout=most + 10
        )
    except httpx.TransportError as error:
        return f"{operation.name} was not answered: {type(error).__name__} after {time.monotonic() - began:.1f} s"
    seconds = time.monotonic() - began
    if seconds > most:
        return f"{operation.name} was answered {response.status_code} after {seconds:.1f} s"
    if response.status_code == 500:
        return f"{operation.name} was answered 500"
    return ""


async def usable(system: Cluster) -> None:
    """Wait until everything is as before."""
    for path in ("/api/health/ready", "/api/inquiries/", "/api/me/"):
        deadline = time.monotonic() + HEALED
        while not (answer := await system.http.get(path)).is_success:
            assert time.monotonic() < deadline, f"{path} is still answered {answer.status_code}: {answer.text}"
            await asyncio.sleep(0.1)
    assert all(system[name].runs for name in SERVICES)


def memory(system: Cluster) -> dict[str, int]:
    """Resident megabytes of our services, each with the processes that it has started."""
    return {
        name: sum(process.memory_info().rss for process in family(psutil.Process(system[name].pid))) // 2**20
        for name in SERVICES
    }
