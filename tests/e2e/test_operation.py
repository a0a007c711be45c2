"""What operators see of a running system: one trace, one request id and numbers; of customers and secrets nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from runtime.stack.credentials import Credentials
from runtime.stack.folder import CREDENTIALS
from tests.deploy.test_observability import PARTS, asked_by, expressions
from tests.support.collector import Collector
from tests.support.prometheus import names, scrape, value
from tests.support.servers import free_ports
from tests.support.system import System, running_system

EDGE, INQUIRY, AI, WORKER = range(4)
PLANTED = ("name", "subject", "text", "note", "reply", "tag", "key", "instruction", "password")
CANARIES = {name: f"canary-{name}-7f3a91" for name in PLANTED}
ADDRESS = "canary-address-7f3a91@example.com"


class Watched:
    """A running system, where its metrics are, and where its spans go."""

    def __init__(self, system: System, collector: Collector, metrics_port: int) -> None:
        self.system = system
        self.collector = collector
        self.metrics_port = metrics_port

    async def metric(self, process: int, name: str, **labels: str) -> float:
        """The sum of what a process shows under a name."""
        return value(await scrape(f"127.0.0.1:{self.metrics_port + process}"), name, **labels)

    def lines(self) -> list[dict[str, Any]]:
        """Every line that the services have logged."""
        return [
            json.loads(line)
            for name in ("edge", "inquiry", "ai", "worker")
            for line in (self.system.stack.data / "logs" / f"{name}.log").read_text().splitlines()
        ]


@pytest.fixture(scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """A system of which everything is watched."""
    collector, metrics_port = Collector(), free_ports(4)
    await collector.start()
    async with running_system(
        tmp_path_factory.mktemp("watched"),
        POK_METRICS_PORT=str(metrics_port),
        POK_LOG_LEVEL="debug",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.address,
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as system:
        yield Watched(system, collector, metrics_port)
    await collector.stop()


async def triaged(system: System, request_id: str = "", **fields: Any) -> str:
    """The id of an inquiry that was created by this request and is done."""
    system.anonymous.headers["x-request-id"] = request_id or "of-a-test"
    inquiry_id: str = (await system.create(**fields))["id"]
    del system.anonymous.headers["x-request-id"]
    await system.final([inquiry_id], seconds=30)
    return inquiry_id


def is_whole(by_id: dict[bytes, tuple[str, Span]]) -> bool:
    """Whether no process has yet to send what any of these spans are parts of."""
    return {span.parent_span_id for _, span in by_id.values()} <= {b"", *by_id}


async def test_one_trace_leads_from_the_request_to_the_model_and_back(watched: Watched) -> None:
    await triaged(watched.system, "traced-request")
    ends = {("pok-inquiry", "/pok.inquiry.v1.TriageService/CompleteTriages"), ("pok-ai", "ai analysis")}
    by_id: dict[bytes, tuple[str, Span]] = {}
    async with asyncio.timeout(20):
        while not (is_whole(by_id) and ends <= {(service, span.name) for service, span in by_id.values()}):
            await asyncio.sleep(0.05)
            by_id = {span.span_id: (service, span) for service, span in watched.collector.trace_of("traced-request")}
    way = []
    service, span = next((s, span) for s, span in by_id.values() if span.name == "ai analysis")
    while span.parent_span_id:
        way.append((service, span.name))
        service, span = by_id[span.parent_span_id]
    create, analyze = "/pok.inquiry.v1.InquiryService/CreateInquiry", "/pok.ai.v1.AnalysisService/Analyze"
    assert [(service, span.name), *reversed(way)] == [
        ("pok-edge", "create_inquiry"),
        ("pok-edge", create),
        ("pok-inquiry", create),
        ("pok-worker", "triage_inquiry"),
        ("pok-worker", analyze),
        ("pok-ai", analyze),
        ("pok-ai", "ai analysis"),
    ]


async def test_request_and_trace_id_stand_in_the_lines_of_every_process_on_the_way(watched: Watched) -> None:
    await triaged(watched.system, "logged-request")
    lines = [line for line in watched.lines() if line.get("request_id") == "logged-request"]
    [line] = [line for line in lines if line["event"] == "analyzed"]
    async with asyncio.timeout(20):
        while not watched.collector.trace_of("logged-request"):  # noqa: ASYNC110 - other processes' state
            await asyncio.sleep(0.05)
    [trace_id] = {span.trace_id.hex() for _, span in watched.collector.trace_of("logged-request")}
    assert line["trace_id"] == trace_id


async def test_what_dashboard_and_rules_ask_for_is_exported(watched: Watched) -> None:
    exported = {"up"}
    for process in (EDGE, INQUIRY, AI, WORKER):
        exported |= await names(f"127.0.0.1:{watched.metrics_port + process}")
    assert {PARTS.sub("", name) for query in expressions() for name in asked_by(query)} - exported == set()


async def test_every_process_shows_its_numbers(watched: Watched) -> None:
    before = await watched.metric(WORKER, "pok_worker_claims_ended_total", outcome="completed")
    await triaged(watched.system)
    assert await watched.metric(EDGE, "pok_http_requests_total", operation="create_inquiry", status="201") >= 1
    assert await watched.metric(INQUIRY, "pok_rpc_served_total", code="OK") >= 1
    assert await watched.metric(INQUIRY, "pok_doorbell_rings_total", by="relay") >= 1
    assert await watched.metric(INQUIRY, "pok_queue_failed") == 0
    assert await watched.metric(AI, "pok_ai_answers_total", provider="embedded", work="analysis") >= 1
    async with asyncio.timeout(20):  # the worker counts when the answer to its report is in
        while await watched.metric(WORKER, "pok_worker_claims_ended_total", outcome="completed") <= before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    for process in (EDGE, INQUIRY, AI, WORKER):
        assert await watched.metric(process, "process_resident_memory_bytes") > 1_000_000


async def test_neither_texts_nor_secrets_are_in_logs_traces_or_metrics(watched: Watched) -> None:
    system = watched.system
    inquiry_id = await triaged(
        system,
        customer_name=CANARIES["name"],
        customer_email=ADDRESS,
        subject=CANARIES["subject"],
        message=f"¿Dónde está mi pedido? {CANARIES['text']}",
    )
    one = f"/api/inquiries/{inquiry_id}/"
    for kind in ("note", "reply"):
        answer = await system.http.post(f"{one}messages/", json={"kind": kind, "text": CANARIES[kind]})
        assert answer.status_code == 201
    assert (await system.http.patch(one, json={"tags": [CANARIES["tag"]]})).status_code < 500
    await system.http.get("/api/inquiries/", params={"q": CANARIES["text"]})
    await system.http.post(f"{one}draft/stream/", json={"instruction": CANARIES["instruction"]}, timeout=30)
    await system.anonymous.post("/api/token/", json={"email": ADDRESS, "password": CANARIES["password"]})
    await system.anonymous.post("/api/inquiries/create/", content=f'{{"subject": "{CANARIES["subject"]}"')
    await system.anonymous.post(
        "/api/inquiries/create/", json={"message": CANARIES["text"]}, headers={"Idempotency-Key": CANARIES["key"]}
    )
    await system.anonymous.get(f"/api/track/{CANARIES['text']}/", headers={"X-Tracking-Token": CANARIES["key"]})
    secrets = Credentials.read(system.stack.data / CREDENTIALS)
    hidden = {
        *CANARIES.values(),
        ADDRESS,
        system.password,
        system.http.headers["authorization"].removeprefix("Bearer "),
        *(getattr(secrets, field) for field in secrets.__struct_fields__),
    }
    logs = system.stack.data / "logs"
    shown = [path.read_text() for path in logs.iterdir()]
    shown += [str(span) for _, span in watched.collector.spans]
    shown += [str(await scrape(f"127.0.0.1:{watched.metrics_port + process}")) for process in range(4)]
    assert {secret for secret in hidden if any(secret in text for text in shown)} == set()


async def test_doctor_examines_what_runs(watched: Watched) -> None:
    await triaged(watched.system)
    found = await asyncio.to_thread(watched.system.stack.pok, "doctor")
    for expected in ("PostgreSQL 18", "the newest", "1 alive", "embedded"):
        assert expected in found.stdout, found.stdout
    assert found.returncode == 0, found.stdout
