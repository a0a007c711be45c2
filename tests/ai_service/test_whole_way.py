"""Worker, AI service and inquiry service with a provider that fails: where each fault leaves an inquiry."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from ai_service.__main__ import registration
from ai_service.guard import Guard
from ai_service.knowledge import Knowledge
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.providers.openai import OpenAIProvider
from ai_service.servicer import AnalysisServicer
from runtime.rpc.client import dial
from runtime.rpc.server import RpcServer
from runtime.settings import Secret
from tests.ai_service.conftest import router
from tests.ai_service.test_fallback import FAULTS
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.openai_stub import Behaviour, OpenAIStub, answering, completion, failing
from tests.support.tokens import TOKENS, service_tokens
from worker.__main__ import work
from worker.settings import WorkerSettings

PATIENCE = 90.0
CASES = [
    # One of each kind in every run; all of them are the matrix that `make test-faults` runs.
    pytest.param(behave, reason, id=name, marks=[] if name in {"500", "truncated"} else [pytest.mark.faults])
    for name, behave, reason, *_ in FAULTS
]


class Clock:
    """The circuit's time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def system(
    database_url: str, redis_url: str, embedded: EmbeddedProvider, provider: OpenAIProvider, clock: Clock, patient: bool
) -> AsyncIterator[Service]:
    """An inquiry service whose inquiries a worker takes to an AI service."""
    act_as("support")
    token = TOKENS["worker"]
    async with inquiry_service(database_url, redis_url, analysis_timeout_seconds=10) as service:
        address = f"127.0.0.1:{service.port}"
        async with dial(address, TOKENS["ai"], timeout=PATIENCE) as channel:
            knowledge = Knowledge(channel)
            servicer = AnalysisServicer(
                router(embedded, provider, patient=patient, guard=Guard(at_once=4, clock=clock)), knowledge
            )
            server = RpcServer("127.0.0.1:0", service_tokens(), [registration(servicer)], reflect=False)
            await server.start()
            await server.serving()
            settings = WorkerSettings(
                redis_url=Secret(redis_url),
                inquiry_address=address,
                ai_address=f"127.0.0.1:{server.port}",
                service_token=token,
                worker_name="w1",
            )
            tasks = [
                asyncio.create_task(knowledge.watch()),
                asyncio.create_task(knowledge.teach(embedded.learn)),
                asyncio.create_task(work(settings, asyncio.Event())),
            ]
            try:
                yield service
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                await server.stop(0)


@pytest.fixture
async def going_on(
    database_url: str,
    redis_url: str,
    embedded_provider: EmbeddedProvider,
    openai_provider: OpenAIProvider,
    openai_stub: OpenAIStub,
    clock: Clock,
) -> AsyncIterator[Service]:
    """POK_AI_FALLBACK=embedded."""
    async with system(database_url, redis_url, embedded_provider, openai_provider, clock, False) as service:
        yield service


@pytest.fixture
async def waiting(
    database_url: str,
    redis_url: str,
    embedded_provider: EmbeddedProvider,
    openai_provider: OpenAIProvider,
    openai_stub: OpenAIStub,
    clock: Clock,
) -> AsyncIterator[Service]:
    """POK_AI_FALLBACK=wait."""
    async with system(database_url, redis_url, embedded_provider, openai_provider, clock, True) as service:
        yield service


async def until(service: Service, condition: Callable[[asyncpg.Record], bool]) -> asyncpg.Record:
    """The one job as it is when the condition holds."""
    query = """select i.triage_state, j.*, j.run_after - now() as pause
        from inquiry i join triage_job j on j.inquiry_id = i.id"""
    async with asyncio.timeout(PATIENCE):
        while not condition(row := (await service.sql(query))[0]):  # noqa: ASYNC110 - Postgres sets no event of ours
            await asyncio.sleep(0.05)
    return row


def ended(row: asyncpg.Record) -> bool:
    return row["triage_state"] in {"done", "needs_review", "failed"}


def put_off(row: asyncpg.Record) -> bool:
    """Claimed, and queued again for later."""
    return bool(row["claim"] and row["state"] == "queued" and row["pause"].total_seconds() > 0)


def later_than(claimed: int, condition: Callable[[asyncpg.Record], bool]) -> Callable[[asyncpg.Record], bool]:
    """The condition holds after another claim."""
    return lambda row: row["claim"] > claimed and condition(row)


async def hurry(service: Service) -> None:
    """Its time has come."""
    await service.sql("update triage_job set run_after = now(), rung_at = null where state = 'queued'")


@pytest.mark.parametrize(("behave", "reason"), CASES)
async def test_embedded_model_ends_the_triage_and_no_attempt_is_counted(
    going_on: Service, openai_stub: OpenAIStub, behave: Behaviour, reason: str
) -> None:
    openai_stub.behave = behave
    await going_on.create()
    row = await until(going_on, ended)
    assert (row["triage_state"] in {"done", "needs_review"}, row["attempt"]) == (True, 0)
    [run] = await going_on.sql("select record ->> 'fallback' as fallback from ai_run")
    assert run["fallback"] == reason.lower()


@pytest.mark.parametrize(("behave", "reason"), CASES)
async def test_without_it_the_inquiry_waits_and_ends_well_once_the_provider_does(
    waiting: Service, openai_stub: OpenAIStub, clock: Clock, behave: Behaviour, reason: str
) -> None:
    openai_stub.behave = behave
    await waiting.create()
    row = await until(waiting, put_off)
    asks_for_long = reason == "PROVIDER_RATE_LIMITED" and row["attempt"] == 0
    assert row["triage_state"] == "queued"
    assert asks_for_long or row["attempt"] >= 1
    if asks_for_long:
        assert 20 < row["pause"].total_seconds() < 35
        clock.now += 30
    openai_stub.behave = answering()
    await hurry(waiting)
    row = await until(waiting, ended)
    assert row["triage_state"] == "done"
    [run] = await waiting.sql("select record ->> 'fallback' as fallback from ai_run")
    assert not run["fallback"]


async def test_outage_of_any_length_fails_no_inquiry(waiting: Service, openai_stub: OpenAIStub, clock: Clock) -> None:
    openai_stub.behave = failing(500)
    await waiting.create()
    for _ in range(12):
        row = await until(waiting, put_off)
        assert row["attempt"] == min(row["claim"], 4)  # the next may have come by itself: pauses begin at nothing
        clock.now += 1_000  # whatever the circuit's rest, it is over
        claimed = row["claim"]
        await hurry(waiting)
        await until(waiting, later_than(claimed, put_off))
    openai_stub.behave = answering()
    clock.now += 1_000
    await hurry(waiting)
    assert (await until(waiting, ended))["triage_state"] == "done"


async def test_what_failed_attempts_cost_uses_up_the_days_cap(waiting: Service, openai_stub: OpenAIStub) -> None:
    openai_stub.behave = lambda _: completion("HACKED")
    await waiting.cap(0.001)
    await waiting.create()
    first = await until(waiting, put_off)
    await hurry(waiting)
    second = await until(waiting, later_than(first["claim"], put_off))
    assert (first["attempt"], second["attempt"]) == (1, 1)
    assert len(openai_stub.requests) == 2  # both for the first attempt
    [day] = await waiting.sql("select cost_micros, input_tokens, output_tokens from spending")
    assert tuple(day) == (1120, 240, 80)


async def test_answers_that_are_never_of_use_fail_the_inquiry_with_the_reason(
    waiting: Service, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = lambda _: completion("HACKED")
    await waiting.create()
    while not ended(await until(waiting, lambda row: ended(row) or put_off(row))):
        await hurry(waiting)  # which it may also have done by itself meanwhile
    [inquiry] = await waiting.sql("select triage_state, triage_reason from inquiry")
    assert (inquiry["triage_state"], inquiry["triage_reason"]) == ("failed", "provider_bad_answer")
    assert len(openai_stub.requests) == 12  # two for each attempt
