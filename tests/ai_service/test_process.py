"""`python -m ai_service` as whoever starts it sees it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pok.ai.v1 import analysis_pb2_grpc

from runtime.rpc.client import dial
from tests.ai_service.builders import request
from tests.ai_service.conftest import PATIENCE
from tests.support.ai_process import Process
from tests.support.callers import shown
from tests.support.knowledge_stub import KnowledgeStub
from tests.support.openai_stub import OpenAIStub
from tests.support.tokens import TOKENS

CANARY = "canary-4711"


@pytest.fixture
async def process(tmp_path: Path, knowledge_stub: KnowledgeStub) -> AsyncIterator[Process]:
    process = Process(tmp_path, knowledge_stub.address)
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


@pytest.mark.parametrize(("env", "what"), [("development", {"pok.ai.v1.AnalysisService"}), ("production", set())])
async def test_what_it_serves_is_shown_to_developers_only(process: Process, env: str, what: set[str]) -> None:
    await process.start(POK_ENV=env)
    await process.ready()
    assert await shown(process.address) & {"pok.ai.v1.AnalysisService"} == what


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
