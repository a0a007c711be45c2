"""A running AI service for each provider, fed by a knowledge stream that tests control."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import psutil
import pytest
from pok.ai.v1 import analysis_pb2_grpc

from ai_service.__main__ import registration
from ai_service.embedded.encoder import Encoder
from ai_service.guard import Guard
from ai_service.knowledge import Knowledge, Learn
from ai_service.language import LanguageDetector
from ai_service.paid import PaidProvider
from ai_service.providers import openai
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.router import Router
from ai_service.servicer import AnalysisServicer
from ai_service.settings import AiSettings
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
async def knowledge(knowledge_stub: KnowledgeStub, embedded_provider: EmbeddedProvider) -> AsyncIterator[Knowledge]:
    """What an AI process holds, following `knowledge_stub`, and what its embedded model learns from."""
    async with following(knowledge_stub, embedded_provider.learn) as knowledge:
        yield knowledge


@asynccontextmanager
async def following(knowledge_stub: KnowledgeStub, learn: Learn) -> AsyncIterator[Knowledge]:
    """What an AI process holds whose model learns so."""
    async with dial(knowledge_stub.address, TOKENS["ai"], timeout=PATIENCE) as channel:
        knowledge = Knowledge(channel)
        tasks = [asyncio.create_task(knowledge.watch()), asyncio.create_task(knowledge.teach(learn))]
        async with asyncio.timeout(PATIENCE):
            await knowledge.loaded()
        yield knowledge
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def encoders_process() -> psutil.Process:
    """The process that encodes."""
    return next(one for one in psutil.Process().children() if "ai_service.embedded.encoding" in one.cmdline())


@pytest.fixture(scope="session")
async def encoder() -> AsyncIterator[Encoder]:
    encoder = Encoder()
    await encoder.load()
    yield encoder
    await encoder.close()


@pytest.fixture(scope="session")
def languages() -> LanguageDetector:
    return LanguageDetector()


@pytest.fixture(scope="session")
def embedded_provider(encoder: Encoder, languages: LanguageDetector) -> EmbeddedProvider:
    return EmbeddedProvider(encoder, languages)


@pytest.fixture(scope="session")
async def openai_server() -> AsyncIterator[OpenAIStub]:
    stub = OpenAIStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture(scope="session")
async def openai_provider(openai_server: OpenAIStub) -> AsyncIterator[openai.OpenAIProvider]:
    configured = settings(
        openai_base_url=openai_server.base_url,
        openai_model="asked-for",
        openai_input_price=2.0,
        openai_output_price=8.0,
    )
    async with openai.connected(configured) as provider:
        yield provider


@pytest.fixture
def openai_stub(openai_server: OpenAIStub) -> OpenAIStub:
    """The server that the provider talks to, as if nothing had happened yet."""
    openai_server.reset()
    return openai_server


def settings(**fields: Any) -> AiSettings:
    """Settings of an AI process with an OpenAI provider; pass what matters to the test."""
    usual = {"service_token": TOKENS["ai"], "service_tokens": service_tokens(), "openai_api_key": Secret("sk-test")}
    return AiSettings(**{**usual, **fields})


@asynccontextmanager
async def serving(router: Router, knowledge: Knowledge) -> AsyncIterator[Stub]:
    """The service on a free loopback port, as the inquiry service calls it, which may call all of it."""
    servicer = AnalysisServicer(router, knowledge)
    server = RpcServer("127.0.0.1:0", service_tokens(), [registration(servicer)], reflect=False)
    await server.start()
    await server.serving()
    async with dial(f"127.0.0.1:{server.port}", TOKENS["inquiry"], timeout=PATIENCE) as channel:
        yield analysis_pb2_grpc.AnalysisServiceStub(channel)
    await server.stop(0)


@pytest.fixture
async def ai(embedded_provider: EmbeddedProvider, knowledge: Knowledge) -> AsyncIterator[Stub]:
    """The service with the embedded model."""
    async with serving(Router(embedded_provider), knowledge) as stub:
        yield stub


def router(
    embedded: EmbeddedProvider,
    provider: openai.OpenAIProvider,
    *,
    patient: bool = False,
    masking: bool = True,
    guard: Guard | None = None,
) -> Router:
    """Over both providers, as POK_AI_FALLBACK=embedded or, if `patient`, =wait asks for it."""
    paid = PaidProvider(provider, guard or Guard(at_once=16), masking=masking, patient=patient)
    return Router(embedded, paid, patient=patient)


@pytest.fixture
async def openai_ai(
    openai_stub: OpenAIStub,
    embedded_provider: EmbeddedProvider,
    openai_provider: openai.OpenAIProvider,
    knowledge: Knowledge,
) -> AsyncIterator[Stub]:
    """The service with both providers; OpenAI's talks to `openai_stub`, the embedded model takes over."""
    async with serving(router(embedded_provider, openai_provider), knowledge) as stub:
        yield stub


@pytest.fixture
async def patient_ai(
    openai_stub: OpenAIStub,
    embedded_provider: EmbeddedProvider,
    openai_provider: openai.OpenAIProvider,
    knowledge: Knowledge,
) -> AsyncIterator[Stub]:
    """The same, but nobody takes over."""
    async with serving(router(embedded_provider, openai_provider, patient=True), knowledge) as stub:
        yield stub
