"""Which service may call which method of the AI service: the table, and nothing else."""

from collections.abc import AsyncIterator

import pytest

from ai_service.__main__ import registration
from ai_service.knowledge import Knowledge
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.router import Router
from ai_service.servicer import AnalysisServicer
from runtime.rpc import access
from runtime.rpc.server import RpcServer
from runtime.settings import Secret
from tests.support.callers import callers_of, methods_of, refusal
from tests.support.tokens import service_tokens

METHODS = methods_of("pok.ai.v1.AnalysisService")


@pytest.fixture
async def address(embedded_provider: EmbeddedProvider, knowledge: Knowledge) -> AsyncIterator[str]:
    services = [registration(AnalysisServicer(Router(embedded_provider), knowledge))]
    server = RpcServer("127.0.0.1:0", service_tokens(), services, reflect=False)
    await server.start()
    yield f"127.0.0.1:{server.port}"
    await server.stop(0)


async def test_each_method_lets_in_exactly_the_services_of_the_table(address: str) -> None:
    let_in = {path: await callers_of(address, path, method) for path, method in METHODS.items()}
    assert let_in == {path: access.CALLERS[path] for path in METHODS}


async def test_no_method_lets_in_who_cannot_prove_who_they_are(address: str) -> None:
    for path, method in METHODS.items():
        assert await refusal(address, path, method, Secret("x" * 32)) == "BAD_SERVICE_TOKEN", path
