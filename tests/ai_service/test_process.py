"""`python -m ai_service` as whoever starts it sees it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pok.ai.v1 import analysis_pb2_grpc

from runtime.rpc.client import dial
from tests.ai_service.builders import request
from tests.ai_service.conftest import PATIENCE
from tests.support.knowledge_stub import KnowledgeStub
from tests.support.openai_stub import OpenAIStub
from tests.support.tokens import LISTED, TOKENS

CANARY = "canary-4711"
IMPATIENT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A started AI process: where it listens, what it notifies, what it logs."""

    def __init__(self, folder: Path, knowledge: KnowledgeStub) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.log = folder / "log"
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(folder / "notify"))
        self._notices.setblocking(False)
        self._environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "POK_SERVICE_TOKENS": LISTED,
            "POK_SERVICE_TOKEN": TOKENS["ai"],
            "POK_AI_LISTEN": self.address,
            "POK_INQUIRY_ADDRESS": knowledge.address,
        }
        self.child: asyncio.subprocess.Process

    async def start(self, **environ: str) -> None:
        with self.log.open("wb") as log:
            command = (sys.executable, "-m", "ai_service")
            self.child = await asyncio.create_subprocess_exec(*command, env={**self._environ, **environ}, stderr=log)

    async def ready(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self._notices, 64)

    async def is_serving(self) -> bool:
        async with grpc.aio.insecure_channel(self.address, options=IMPATIENT) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE, wait_for_ready=True)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> int:
        self.child.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self.child.wait()


@pytest.fixture
async def process(tmp_path: Path, knowledge_stub: KnowledgeStub) -> AsyncIterator[Process]:
    process = Process(tmp_path, knowledge_stub)
    yield process
    if process.child.returncode is None:
        process.child.kill()
        await process.child.wait()


async def test_serves_only_once_the_taxonomy_is_in_and_stops_cleanly(
    process: Process, knowledge_stub: KnowledgeStub
) -> None:
    await knowledge_stub.publish(0)
    await process.start()
    assert not await process.is_serving()
    await knowledge_stub.publish(1)
    assert await process.ready() == b"READY=1"
    assert await process.is_serving()
    async with dial(process.address, TOKENS["worker"], timeout=PATIENCE) as channel:
        answer = await analysis_pb2_grpc.AnalysisServiceStub(channel).Analyze(request(f"Refund {CANARY} please"))
    assert answer.analysis.model.provider == "embedded"
    assert await process.stop() == 0
    assert "analyzed" in process.log.read_text()
    assert CANARY not in process.log.read_text()


async def test_stops_also_while_it_waits_for_the_taxonomy(process: Process, knowledge_stub: KnowledgeStub) -> None:
    await knowledge_stub.publish(0)
    await process.start(POK_OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert not await process.is_serving()
    assert await process.stop() == 0


async def test_address_of_a_server_is_enough_to_use_it(process: Process, openai_stub: OpenAIStub) -> None:
    await process.start(POK_OPENAI_BASE_URL=openai_stub.base_url, POK_PROMPT_LANGUAGE="es")
    await process.ready()
    async with dial(process.address, TOKENS["worker"], timeout=PATIENCE) as channel:
        answer = await analysis_pb2_grpc.AnalysisServiceStub(channel).Analyze(request(CANARY))
    assert answer.analysis.model.name == "stub-1"
    assert openai_stub.requests[0]["messages"][0]["content"].startswith("Clasificas")
    assert await process.stop() == 0
    assert CANARY not in process.log.read_text()


async def test_taken_address_is_said_in_a_sentence(process: Process) -> None:
    host, _, port = process.address.partition(":")
    with socket.create_server((host, int(port))):
        await process.start()
        async with asyncio.timeout(PATIENCE):
            assert await process.child.wait() == 1
    log = process.log.read_text()
    assert f"settings: {process.address} is taken, or no address of this machine" in log
    assert "Traceback" not in log


async def test_missing_settings_end_it_with_their_names(process: Process) -> None:
    await process.start(POK_SERVICE_TOKEN="", POK_SERVICE_TOKENS="")
    assert await process.child.wait() != 0
    assert "POK_SERVICE_TOKENS is missing" in process.log.read_text()
