"""The edge as a process: it refuses to start half configured, and ends without dropping what it has accepted."""

import asyncio
import json
import os
import socket
import subprocess
import sys

import pytest

from tests.support.backend_stub import BackendStub
from tests.support.edge import KEYS, Edge, edge, stop

COMPLETE = {
    "POK_INQUIRY_ADDRESS": "127.0.0.1:1",
    "POK_REDIS_URL": "redis://127.0.0.1:1",
    "POK_SERVICE_TOKEN": "e" * 32,
    "POK_JWT_KEYS": KEYS,
}


def refused(**environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("POK_")}
    ended = subprocess.run(
        [sys.executable, "-m", "edge_api"],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    return ended.stderr


async def refuses_connections(client: Edge) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        except ConnectionRefusedError:
            return
        writer.close()
        await asyncio.sleep(0.02)


def test_every_missing_setting_is_named_at_once() -> None:
    complaint = refused()
    assert all(name in complaint for name in COMPLETE)


def test_weak_signing_key_is_refused_and_not_shown() -> None:
    complaint = refused(**{**COMPLETE, "POK_JWT_KEYS": "k1:too-short"})
    assert "POK_JWT_KEYS" in complaint
    assert "too-short" not in complaint


def test_port_of_another_process_is_not_shared() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in refused(**COMPLETE, POK_PORT=str(port))


@pytest.mark.parametrize("switch", ["on", "off"])
async def test_start_up_line_says_whether_rates_are_limited(capfd: pytest.CaptureFixture[str], switch: str) -> None:
    async with edge("127.0.0.1:1", POK_RATE_LIMITS=switch):
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["rate_limits"] for line in lines if line["event"] == "edge_starts"] == [switch]


async def test_killed_edge_makes_room_for_the_next_one() -> None:
    async with edge("127.0.0.1:1") as killed:
        killed.process.kill()
        await killed.process.wait()
        async with edge("127.0.0.1:1", POK_PORT=str(killed.base_url.port)) as client:
            assert (await client.get("/api/health/live")).status_code == 200


async def test_request_in_flight_is_answered_before_the_process_ends() -> None:
    stub = BackendStub()
    await stub.start()
    stub.hold.clear()
    async with edge(stub.address) as client:
        asked = asyncio.create_task(client.get("/api/inquiries/"))
        await stub.waiting.acquire()
        stopped = asyncio.create_task(stop(client.process))
        await refuses_connections(client)
        stub.hold.set()
        assert (await asked).status_code == 200
        assert await stopped == 0
    await stub.stop()


async def test_several_processes_serve_one_port() -> None:
    stub = BackendStub()
    await stub.start()
    async with edge(stub.address, POK_EDGE_WORKERS="2") as client:
        answers = await asyncio.gather(*(client.get("/api/inquiries/") for _ in range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
    await stub.stop()
