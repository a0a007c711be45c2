"""Analyze with the embedded model, over gRPC, as the worker calls it."""

import asyncio

import pytest
from pok.ai.v1 import analysis_pb2 as pb

from runtime.rpc.errors import InvalidArgument
from tests.ai_service.builders import request
from tests.ai_service.conftest import Stub
from tests.support.knowledge_stub import KnowledgeStub


async def analysed(ai: Stub, sent: pb.AnalyzeRequest) -> pb.Analysis:
    return (await ai.Analyze(sent)).analysis


@pytest.mark.parametrize(
    ("text", "category", "sentiment", "language"),
    [
        ("Me han cobrado dos veces la suscripción", "billing_payment", pb.SENTIMENT_NEGATIVE, "es"),
        ("Where is my parcel? The tracking has not moved for a week", "shipping_delivery", pb.SENTIMENT_NEGATIVE, "en"),
        ("Je voudrais annuler ma réservation", "orders_cancellations", pb.SENTIMENT_NEUTRAL, "fr"),
        ("Someone hacked my account and used my card", "security_fraud", pb.SENTIMENT_NEGATIVE, "en"),
        ("Wie kann ich mein Passwort ändern?", "account_access", pb.SENTIMENT_NEUTRAL, "de"),
        ("¿Tienen esta chaqueta en talla M?", "product_sales", pb.SENTIMENT_NEUTRAL, "es"),
        ("Excelente trato, muchas gracias a todo el equipo", "complaint_feedback", pb.SENTIMENT_POSITIVE, "es"),
    ],
)
async def test_clear_message_is_understood(
    ai: Stub, text: str, category: str, sentiment: pb.Sentiment.ValueType, language: str
) -> None:
    analysis = await analysed(ai, request(text))
    assert analysis.categories[0].category == category
    assert (analysis.sentiment, analysis.language) == (sentiment, language)


async def test_answer_is_complete(ai: Stub) -> None:
    sent = request("My order 48213 has not arrived, this is urgent!", subject="Late", name="Ana", knowledge_version=1)
    analysis = await analysed(ai, sent)
    confidences = [score.confidence for score in analysis.categories]
    assert len(confidences) == 10
    assert sum(confidences) == pytest.approx(1)
    assert confidences == sorted(confidences, reverse=True)
    assert -1 <= analysis.sentiment_score < 0
    assert (analysis.priority, analysis.priority_reason) == (pb.PRIORITY_URGENT, "negative_urgent_words")
    assert [(fact.kind, fact.value) for fact in analysis.entities] == [(pb.ENTITY_KIND_ORDER_NUMBER, "48213")]
    assert analysis.draft.startswith("Hello Ana,")
    assert "48213" in analysis.draft
    assert analysis.model.provider == "embedded"
    assert analysis.knowledge_version == 1
    assert analysis.usage.duration_ms > 0


async def test_unsure_answer_gets_a_neutral_draft(ai: Stub) -> None:
    analysis = await analysed(ai, request("blue elephants sing at noon", name="Ana"))
    assert analysis.categories[0].confidence < 0.5
    assert "We have received your message" in analysis.draft


async def test_feeling_is_that_of_the_last_message_and_category_that_of_all(ai: Stub) -> None:
    sent = request("My parcel never arrived, where is it?")
    sent.conversation.add(author=pb.AUTHOR_AGENT, text="It should be there now.")
    sent.conversation.add(author=pb.AUTHOR_CUSTOMER, text="Yes! Thank you so much, great service")
    analysis = await analysed(ai, sent)
    assert analysis.categories[0].category == "shipping_delivery"
    assert analysis.sentiment == pb.SENTIMENT_POSITIVE


async def test_switched_off_category_gets_nothing_and_the_others_share_all(
    ai: Stub, knowledge_stub: KnowledgeStub
) -> None:
    await knowledge_stub.publish(2, ["shipping_delivery", "account_access"])
    analysis = await analysed(ai, request("Me han cobrado dos veces", knowledge_version=2))
    assert {score.category for score in analysis.categories} == {"shipping_delivery", "account_access"}
    assert sum(score.confidence for score in analysis.categories) == pytest.approx(1)


async def test_taxonomy_the_model_never_learnt_is_answered_by_likeness(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    await knowledge_stub.publish(2, ["visas", "gardens"])
    analysis = await analysed(ai, request("I need a visa", knowledge_version=2))
    assert [score.category for score in analysis.categories] == ["visas", "gardens"]
    assert sum(score.confidence for score in analysis.categories) == pytest.approx(1)


@pytest.mark.parametrize("text", ["", " ", "4521", "注文はどこですか", "👍", "a" * 20_000, "\x00\ud7ff"])
async def test_strange_text_gets_an_answer(ai: Stub, text: str) -> None:
    analysis = await analysed(ai, request(text))
    assert analysis.categories
    assert analysis.draft


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (pb.AnalyzeRequest(), "conversation"),
        (pb.AnalyzeRequest(conversation=[pb.Turn(author=pb.AUTHOR_AGENT, text="hi")]), "conversation"),
        (pb.AnalyzeRequest(conversation=[pb.Turn(text="hi")]), "conversation.0.author"),
        (request("x" * 20_001), "conversation.0.text"),
        (request("x", subject="x" * 20_001), "subject"),
        (pb.AnalyzeRequest(provider="another"), "provider"),
    ],
)
async def test_request_that_can_never_succeed_names_its_wrong_field(
    ai: Stub, sent: pb.AnalyzeRequest, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ai.Analyze(sent)
    assert field in [violation.field for violation in refused.value.violations]


async def test_get_model_says_what_answers(ai: Stub) -> None:
    answer = await ai.GetModel(pb.GetModelRequest())
    assert answer.model.provider == "embedded"
    assert answer.model.name
    assert answer.knowledge_version == 1
    assert answer.load_time.seconds > 0


async def test_many_at_once_each_get_their_own_answer(ai: Stub) -> None:
    texts = ["Me han cobrado dos veces la suscripción", "Ich habe mein Passwort vergessen"] * 32
    analyses = await asyncio.gather(*(analysed(ai, request(text)) for text in texts))
    expected = ["billing_payment", "account_access"] * 32
    assert [analysis.categories[0].category for analysis in analyses] == expected
