"""A running AI service for each provider, fed by a knowledge stream that tests control."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import pytest
from pok.ai.v1 import analysis_pb2_grpc

from ai_service.__main__ import registration
from ai_service.embedded.encoder import Encoder
from ai_service.knowledge import Knowledge
from ai_service.language import LanguageDetector
from ai_service.providers import Provider, openai
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.servicer import AnalysisServicer
from runtime.rpc.client import dial
from runtime.rpc.server import RpcServer
from runtime.settings import Secret
from tests.support.knowledge_stub import KnowledgeStub
from tests.support.openai_stub import OpenAIStub
from tests.support.tokens import TOKENS, service_tokens

Stub: TypeAlias = "analysis_pb2_grpc.AnalysisServiceAsyncStub"  # the stubs know this name, the module does not
PATIENCE = 15.0


@pytest.fixture
async def knowledge_stub() -> AsyncIterator[KnowledgeStub]:
    stub = KnowledgeStub()
    await stub.start()
    await stub.publish(1)
    yield stub
    await stub.stop()


@pytest.fixture
async def knowledge(knowledge_stub: KnowledgeStub) -> AsyncIterator[Knowledge]:
    """What an AI process holds, following `knowledge_stub`."""
    async with dial(knowledge_stub.address, TOKENS["ai"], timeout=PATIENCE) as channel:
        knowledge = Knowledge(channel)
        watching = asyncio.create_task(knowledge.watch())
        async with asyncio.timeout(PATIENCE):
            await knowledge.loaded()
        yield knowledge
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@pytest.fixture(scope="session")
async def encoder() -> AsyncIterator[Encoder]:
    encoder = Encoder()
    await encoder.load()
    yield encoder
    encoder.close()


@pytest.fixture(scope="session")
def languages() -> LanguageDetector:
    return LanguageDetector()


@pytest.fixture(scope="session")
def embedded_provider(encoder: Encoder, languages: LanguageDetector) -> Provider:
    return EmbeddedProvider(encoder, languages, confidence_threshold=0.5)


@pytest.fixture(scope="session")
async def openai_server() -> AsyncIterator[OpenAIStub]:
    stub = OpenAIStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture(scope="session")
async def openai_provider(openai_server: OpenAIStub) -> AsyncIterator[Provider]:
    key, url = Secret("sk-test"), openai_server.base_url
    async with openai.connected(api_key=key, base_url=url, model="asked-for", prompt_language="en") as provider:
        yield provider


@pytest.fixture
def openai_stub(openai_server: OpenAIStub) -> OpenAIStub:
    """The server that the provider talks to, as if nothing had happened yet."""
    openai_server.reset()
    return openai_server


@asynccontextmanager
async def serving(provider: Provider, knowledge: Knowledge) -> AsyncIterator[Stub]:
    """The service on a free loopback port, as the worker calls it."""
    servicer = AnalysisServicer(provider, knowledge)
    server = RpcServer("127.0.0.1:0", service_tokens(), [registration(servicer)], reflect=False)
    await server.start()
    await server.serving()
    async with dial(f"127.0.0.1:{server.port}", TOKENS["worker"], timeout=PATIENCE) as channel:
        yield analysis_pb2_grpc.AnalysisServiceStub(channel)
    await server.stop(0)


@pytest.fixture
async def ai(embedded_provider: Provider, knowledge: Knowledge) -> AsyncIterator[Stub]:
    """The service with the embedded model."""
    async with serving(embedded_provider, knowledge) as stub:
        yield stub


@pytest.fixture
async def openai_ai(openai_stub: OpenAIStub, openai_provider: Provider, knowledge: Knowledge) -> AsyncIterator[Stub]:
    """The service with the OpenAI provider, which talks to `openai_stub`."""
    async with serving(openai_provider, knowledge) as stub:
        yield stub
