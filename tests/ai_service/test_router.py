"""The installation says which provider analyses; when the money is spent, the one that costs none."""

import asyncio
from typing import Any

import pytest
from pok.ai.v1 import analysis_pb2 as pb

from ai_service.embedded import encoding
from ai_service.knowledge import Knowledge
from runtime.rpc.errors import Unavailable
from tests.ai_service.builders import request
from tests.ai_service.conftest import PATIENCE, Stub, encoders_process
from tests.support.knowledge_stub import KnowledgeStub
from tests.support.openai_stub import OpenAIStub

TEXT = "I was charged twice for my order, please give me my money back."


async def published(stub: KnowledgeStub, knowledge: Knowledge, **settings: Any) -> None:
    """The AI process knows of these settings."""
    await stub.publish(knowledge.version + 1, **settings)
    async with asyncio.timeout(PATIENCE):
        await knowledge.at_least(stub.version)


def asked(**fields: Any) -> pb.AnalyzeRequest:
    message = request(TEXT)
    message.MergeFrom(pb.AnalyzeRequest(**fields))
    return message


async def provider_of(ai: Stub) -> str:
    """Which one answers, as it says itself and as an analysis shows."""
    says = (await ai.GetModel(pb.GetModelRequest())).model.provider
    analysis = (await ai.Analyze(asked())).analysis
    assert (analysis.model.provider, analysis.fallback) == (says, "")
    return says


@pytest.mark.parametrize(("wanted", "answers"), [("auto", "openai"), ("embedded", "embedded"), ("openai", "openai")])
async def test_configured_provider_answers_as_the_setting_says(
    openai_ai: Stub, knowledge: Knowledge, knowledge_stub: KnowledgeStub, wanted: str, answers: str
) -> None:
    await published(knowledge_stub, knowledge, ai_provider=wanted)
    assert await provider_of(openai_ai) == answers


async def test_changed_setting_acts_on_a_running_process(
    openai_ai: Stub, openai_stub: OpenAIStub, knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    assert await provider_of(openai_ai) == "openai"
    await published(knowledge_stub, knowledge, ai_provider="embedded")
    assert await provider_of(openai_ai) == "embedded"
    assert len(openai_stub.requests) == 1


async def test_without_configuration_auto_is_the_embedded_model_and_openai_is_told_to_be_missing(
    ai: Stub, knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    assert await provider_of(ai) == "embedded"
    await published(knowledge_stub, knowledge, ai_provider="openai")
    with pytest.raises(Unavailable) as refused:
        await ai.Analyze(asked())
    assert refused.value.reason == "PROVIDER_NOT_CONFIGURED"


@pytest.mark.parametrize(("left", "calls", "fallback"), [(1, 1, ""), (0, 0, "spend_cap"), (-5, 0, "spend_cap")])
async def test_paid_provider_is_not_called_once_the_money_is_spent(
    openai_ai: Stub, openai_stub: OpenAIStub, left: int, calls: int, fallback: str
) -> None:
    analysis = (await openai_ai.Analyze(asked(spend_left_micros=left))).analysis
    assert (len(openai_stub.requests), analysis.fallback) == (calls, fallback)
    assert analysis.model.provider == ("openai" if calls else "embedded")


async def test_embedded_model_costs_nothing_and_is_no_fallback_where_it_is_wanted(ai: Stub) -> None:
    analysis = (await ai.Analyze(asked(spend_left_micros=0))).analysis
    assert (analysis.usage.cost_micros, analysis.fallback) == (0, "")


async def test_cost_is_tokens_times_their_prices(openai_ai: Stub) -> None:
    usage = (await openai_ai.Analyze(asked())).analysis.usage
    assert usage.cost_micros == usage.input_tokens * 2 + usage.output_tokens * 8 > 0


async def test_threshold_decides_whether_the_draft_speaks_of_a_category(
    ai: Stub, knowledge: Knowledge, knowledge_stub: KnowledgeStub
) -> None:
    await published(knowledge_stub, knowledge, confidence_threshold=0.0)
    sure = (await ai.Analyze(asked())).analysis
    await published(knowledge_stub, knowledge, confidence_threshold=1.0)
    unsure = (await ai.Analyze(asked())).analysis
    assert sure.categories == unsure.categories
    assert sure.draft != unsure.draft


async def test_answer_that_was_paid_for_is_kept_although_the_encoder_has_ended(
    openai_ai: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders_process().kill()
    monkeypatch.setattr(encoding, "__name__", "no_other_can_be_started")
    analysis = (await openai_ai.Analyze(asked())).analysis
    assert (analysis.model.provider, analysis.fallback, analysis.embedding) == ("openai", "", b"")
