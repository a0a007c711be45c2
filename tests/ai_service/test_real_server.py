"""The real client against a real OpenAI-compatible server, llama.cpp's, with a model whose answers are poor."""

from collections.abc import AsyncIterator

import pytest
from pok.ai.v1 import analysis_pb2 as pb

from ai_service import servicer
from ai_service.knowledge import Knowledge
from ai_service.providers import openai
from ai_service.providers.embedded import EmbeddedProvider
from tests.ai_service.builders import request
from tests.ai_service.conftest import Stub, router, serving, settings
from tests.support.knowledge_stub import KnowledgeStub
from tests.support.llama import INSTALL, INSTALLED, llama

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not INSTALLED, reason=f"it needs a server with a model: {INSTALL}"),
]

TEXT = "Hi, I am Ana Ruiz. I was charged twice for order 48213."
ENOUGH = 500.0
"""Seconds; half a minute of a processor, which may be busy with other things."""


@pytest.fixture
async def real_ai(
    monkeypatch: pytest.MonkeyPatch,
    embedded_provider: EmbeddedProvider,
    knowledge: Knowledge,
    knowledge_stub: KnowledgeStub,
) -> AsyncIterator[Stub]:
    monkeypatch.setattr(servicer, "LONGEST_ANALYSIS", ENOUGH)
    await knowledge_stub.publish(2, ["billing_payment", "shipping_delivery"])
    await knowledge.at_least(2)
    async with (
        llama() as base_url,
        openai.connected(settings(openai_base_url=base_url, openai_model="whatever")) as provider,
        serving(router(embedded_provider, provider), knowledge) as ai,
    ):
        yield ai


async def test_analysis_is_the_models_or_the_record_says_that_it_could_not_be_used(real_ai: Stub) -> None:
    analysis = (await real_ai.Analyze(request(TEXT, name="Ana Ruiz"), timeout=ENOUGH)).analysis
    assert (analysis.model.provider, analysis.fallback) in {("openai", ""), ("embedded", "provider_bad_answer")}
    assert analysis.usage.input_tokens > 100
    assert analysis.categories[0].category in {"billing_payment", "shipping_delivery"}
    assert "Ana" not in analysis.sent_text
    state = (await real_ai.GetModel(pb.GetModelRequest())).paid
    assert (state.circuit, state.median_ms > 0) == ("closed", True)


async def test_draft_streams_or_ends_with_a_template(real_ai: Stub) -> None:
    order = pb.DraftReplyRequest(inquiry=request(TEXT, name="Ana Ruiz"), category="billing_payment")
    *deltas, last = [part async for part in real_ai.DraftReply(order, timeout=ENOUGH)]
    reply = last.reply
    assert deltas
    assert (reply.model.provider, reply.fallback) in {("openai", ""), ("embedded", "provider_bad_answer")}
    if not reply.fallback:
        assert reply.model.name != "whatever"  # the server says which model it really has
        assert "".join(delta.delta for delta in deltas).strip() == reply.text
