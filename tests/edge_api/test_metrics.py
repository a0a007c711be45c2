"""Prometheus sees the edge as one, however many processes it has, and nobody else sees what it sees."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from edge_api.gathering import FOLDER, gathered
from tests.edge_api.conftest import Newcomer
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, edge
from tests.support.inquiry import Service
from tests.support.prometheus import scrape, value
from tests.support.servers import free_ports
from tests.support.sse import listening


@pytest.fixture
async def backend() -> AsyncIterator[BackendStub]:
    stub = BackendStub()
    await stub.start()
    yield stub
    await stub.stop()


def workers_of(client: Edge) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(client.process.pid).children()
        if "resource_tracker" not in " ".join(child.cmdline())
    ]


async def test_requests_of_all_processes_are_counted_together(backend: BackendStub) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with edge(backend.address, POK_EDGE_WORKERS="2", POK_METRICS_LISTEN=listen) as client:
        for _ in range(10):  # each over a connection of its own, which either process may get
            async with Edge(base_url=client.base_url) as other:
                await other.get("/api/inquiries/")
                await other.get("/no/such/page")
                await other.get("/api/inquiries/0198c000-0000-7000-8000-000000000000/events/")
        found = await scrape(listen)
        assert value(found, "pok_http_requests_total", operation="list_inquiries", status="200") == 10
        assert value(found, "pok_http_requests_total", operation="list_inquiry_events", status="401") == 10
        assert value(found, "pok_http_request_seconds_count", operation="list_inquiries") == 10
        assert value(found, "pok_rpc_called_total", method="/pok.inquiry.v1.InquiryService/ListInquiries") == 10
        memory = sum(process.memory_info().rss for process in (psutil.Process(client.process.pid), *workers_of(client)))
        assert value(found, "process_resident_memory_bytes") == pytest.approx(memory, rel=0.2)


COUNTED_AND_KILLED = """
import os, signal
from edge_api.metrics import REQUESTS, WATCHERS
WATCHERS.set(3)
REQUESTS.labels("list_inquiries", 200).inc()
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_counts_outlive_a_killed_process_and_its_watchers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "")  # so that it is as before afterwards
    listen = f"127.0.0.1:{free_ports()}"
    with gathered(listen):
        for _ in range(2):
            killed = await asyncio.create_subprocess_exec(sys.executable, "-c", COUNTED_AND_KILLED)
            assert await killed.wait() == -signal.SIGKILL
        found = await scrape(listen)
    assert value(found, "pok_http_requests_total", operation="list_inquiries") == 2
    assert value(found, "pok_live_watchers") == 0


async def test_addresses_that_visitors_invent_make_no_labels(backend: BackendStub) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with edge(backend.address, POK_METRICS_LISTEN=listen) as client:
        for number in range(20):
            await client.get(f"/invented/{number}")
            await client.request(f"INVENT{number}", "/api/inquiries/")
        names = {dict(labels).get("operation") for name, labels in await scrape(listen) if name.startswith("pok_http")}
        assert names <= {"none", "list_inquiries"}


async def test_watchers_are_counted_while_they_watch(service: Service, newcomer: Newcomer) -> None:
    listen = f"127.0.0.1:{free_ports()}"
    async with edge(f"127.0.0.1:{service.port}", POK_METRICS_LISTEN=listen) as client:
        async with listening(client, await newcomer("support")) as stream:
            await anext(aiter(stream))
            assert value(await scrape(listen), "pok_live_watchers") == 1
        async with asyncio.timeout(10):
            while value(await scrape(listen), "pok_live_watchers"):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.05)


async def test_the_public_port_shows_no_metrics(backend: BackendStub) -> None:
    async with edge(backend.address, POK_METRICS_LISTEN=f"127.0.0.1:{free_ports()}") as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_taken_metrics_port_is_said_in_a_sentence(
    backend: BackendStub, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = backend.address
    with pytest.raises(RuntimeError, match="exit status 1"):
        async with edge(backend.address, POK_METRICS_LISTEN=taken):
            pass
    errors = capfd.readouterr().err
    assert f"POK_METRICS_LISTEN: {taken} is taken" in errors
    assert "Traceback" not in errors
