"""The edge and the inquiry service in this process, where what they do can be counted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from itertools import cycle
from typing import Any

import asyncpg
import httpx
import pytest
from pok.inquiry.v1 import triage_pb2

from edge_api.app import create_app
from edge_api.settings import Settings
from edge_api.tokens import SigningKeys
from runtime.settings import Secret
from tests.support.edge import KEYS, bearer
from tests.support.inquiry import Service, analysis, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer
from tests.support.statements import Log, statements
from tests.support.tokens import TOKENS

# Finished inquiries of the past, so many that going through them would show.
FILL = """
with past as (
    insert into inquiry (id, customer_name, customer_email, subject, snippet, status, triage_state, category, language,
        create_time, update_time)
    select uuidv7(age), 'Ana', 'ana@example.com', 'Pedido', 'Hola', (array['resolved', 'closed'])[1 + n % 2], 'done',
        'general_other', 'es', now() + age, now() + age
    from generate_series(1, 8000) n, lateral (select -n * interval '1 minute' as age) before returning id
), said as (
    insert into message (inquiry_id, number, author, kind, body) select id, 1, 'customer', 'message', 'Hola' from past
), job as (
    insert into triage_job (inquiry_id, state, claim, claimed_revision) select id, 'idle', 1, 1 from past
), tagged as (
    insert into inquiry_tag (tag, inquiry_id) select 'vip', id from past
), run as (
    insert into ai_run (inquiry_id, claim, revision, outcome, record) select id, 1, 1, 'applied', '{}' from past
), drafted as (
    insert into draft (inquiry_id, claim, revision, state, body) select id, 1, 1, 'ready', 'Hola' from past
)
insert into event (inquiry_id, version, kind, actor, body) select id, 1, 'inquiry_created', 'customer', '{}' from past
"""
INQUIRY = {
    "customer_name": "Ana Ruiz",
    "customer_email": "ana@example.com",
    "subject": "Cobro doble",
    "message": "Me han cobrado dos veces el pedido A-10023. " * 5,
}
PAGE = 20
ASKED = 25
"""Calls for claims and completions that there are to measure."""

TOGETHER = 8
"""Inquiries in each of them."""

LIST, CREATE = "/api/inquiries/", "/api/inquiries/create/"

Ask = Callable[[], Awaitable[bytes]]


@pytest.fixture(scope="package")
async def service(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Service]:
    """The inquiry service, which does nothing but what it is called for, on tables with a past."""
    url = await postgres.migrated()
    owner = await asyncpg.connect(postgres.as_owner(url))
    await owner.execute(FILL)
    await owner.execute("vacuum analyze")
    await owner.close()
    async with inquiry_service(url, valkey.empty()) as running:
        await running.rest()
        yield running


@pytest.fixture(scope="package")
async def log(service: Service, postgres: PostgresServer) -> AsyncIterator[Log]:
    """What its database is asked."""
    async with statements(postgres.as_admin(service.database_url), postgres.log) as entries:
        yield entries


@pytest.fixture(scope="package")
async def api(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The edge, for an agent."""
    settings = Settings(
        inquiry_address=f"127.0.0.1:{service.port}",
        redis_url=Secret("redis://127.0.0.1:1"),
        service_token=TOKENS["edge"],
        jwt_keys=SigningKeys(KEYS),
        rate_limits=False,
    )
    app: Any = create_app(settings)
    (session,) = await service.sql(
        """insert into session (account_id, secret_hash, expire_time)
        values ($1, '', now() + interval '1 day') returning id, account_id""",
        await service.account(),
    )
    async with lifespan(app), httpx.AsyncClient(transport=Transport(app), base_url="http://edge") as client:
        client.headers.update(bearer(str(session["account_id"]), str(session["id"])))
        yield client


@pytest.fixture(scope="package")
async def requests(service: Service, api: httpx.AsyncClient) -> Mapping[str, Ask]:
    """How each hot request is made; one that changes something changes something else each time."""
    waiting = [[(await service.create()).inquiry.id for _ in range(TOGETHER)] for _ in range(2 * ASKED)]
    held = [await _claimed(service, waiting.pop()) for _ in range(ASKED)]
    ids = [await _classified(service, api) for _ in range(PAGE)]
    statuses = cycle(("open", "pending"))

    async def http(method: str, path: str, **options: Any) -> bytes:
        return (await api.request(method, path, **options)).raise_for_status().content

    async def claim() -> bytes:
        return (await _claimed(service, waiting.pop())).SerializeToString()

    async def complete() -> bytes:
        results = [triage_pb2.CompleteTriageRequest(key=claim.key, analysis=analysis()) for claim in held.pop().claims]
        request = triage_pb2.CompleteTriagesRequest(results=results)
        return (await service.triage.CompleteTriages(request)).SerializeToString()

    detail = f"{LIST}{ids[0]}/"
    return {
        "list": lambda: http("GET", LIST),
        "filtered": lambda: http("GET", f"{LIST}?category=billing_payment&status=new"),
        "detail": lambda: http("GET", detail),
        "patch": lambda: http("PATCH", detail, json={"status": next(statuses)}),
        "claim": claim,
        "complete": complete,
        "create": lambda: http("POST", CREATE, json=INQUIRY),
    }


async def _claimed(service: Service, inquiry_ids: list[str]) -> triage_pb2.ClaimTriagesResponse:
    return await service.triage.ClaimTriages(triage_pb2.ClaimTriagesRequest(inquiry_ids=inquiry_ids, worker="w1"))


async def _classified(service: Service, api: httpx.AsyncClient) -> str:
    created: dict[str, str] = (await api.post(CREATE, json=INQUIRY)).raise_for_status().json()
    await service.complete(await service.must_claim(created["id"]))
    return created["id"]


class Transport(httpx.ASGITransport):
    """Gives each request a task of its own, as a server does: else its deadline would end what the test does later."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer it."""
        return await asyncio.create_task(super().handle_async_request(request))


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Start and stop an application as its server would."""
    received: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    sent: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, received.get, sent.put))
    for event in ("startup", "shutdown"):
        await received.put({"type": f"lifespan.{event}"})
        answer = await sent.get()
        assert answer["type"] == f"lifespan.{event}.complete", answer
        if event == "startup":
            yield
    await running
