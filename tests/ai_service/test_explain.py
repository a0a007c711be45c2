"""ExplainCategory: the phrases that weigh most and the closest cases."""

import pytest
from pok.ai.v1 import analysis_pb2 as pb
from pok.inquiry.v1 import knowledge_pb2

from runtime.rpc.errors import InvalidArgument
from tests.ai_service.builders import request
from tests.ai_service.conftest import Stub
from tests.ai_service.test_learning import decided
from tests.support.knowledge_stub import DEFAULT_KEYS, KnowledgeStub

MAIL = "Good morning, I hope you are well. My parcel has not been delivered yet. The weather here is lovely. Ann Other"


async def test_phrase_that_says_what_is_wanted_weighs_most(ai: Stub) -> None:
    answer = await ai.ExplainCategory(pb.ExplainCategoryRequest(inquiry=request(MAIL)))
    assert answer.category == answer.categories[0].category == "shipping_delivery"
    first = answer.phrases[0]
    assert (first.turn, MAIL[first.start : first.end]) == (0, "My parcel has not been delivered yet.")
    assert first.weight > 0
    assert [abs(phrase.weight) for phrase in answer.phrases] == sorted(
        (abs(phrase.weight) for phrase in answer.phrases), reverse=True
    )


async def test_offsets_are_code_points_of_their_own_text(ai: Stub) -> None:
    sent = request("👍👍 hola, ¿dónde está mi paquete?, gracias", subject="Paquete perdido")
    answer = await ai.ExplainCategory(pb.ExplainCategoryRequest(inquiry=sent, category="shipping_delivery"))
    texts = {-1: sent.subject, 0: sent.conversation[0].text}
    for phrase in answer.phrases:
        assert texts[phrase.turn][phrase.start : phrase.end].strip() != ""
    assert {phrase.turn for phrase in answer.phrases} == {-1, 0}


async def test_another_category_than_the_first_can_be_explained(ai: Stub) -> None:
    sent = pb.ExplainCategoryRequest(inquiry=request(MAIL), category="billing_payment")
    assert (await ai.ExplainCategory(sent)).category == "billing_payment"


async def test_closest_cases_are_decisions_and_examples(ai: Stub, knowledge_stub: KnowledgeStub) -> None:
    shipping = knowledge_pb2.Category(key="shipping_delivery", examples=["Where is my parcel?"])
    keys: list[str | knowledge_pb2.Category] = [key for key in DEFAULT_KEYS if key != shipping.key]
    decisions = [await decided(ai, "My parcel never came", "shipping_delivery"), await decided(ai, "hi", "go", 2)]
    await knowledge_stub.publish(2, [*keys, shipping], decisions=decisions)
    sent = pb.ExplainCategoryRequest(inquiry=request("My parcel did not come", knowledge_version=2))
    answer = await ai.ExplainCategory(sent)
    found = [(near.WhichOneof("case"), near.inquiry_id or near.example) for near in answer.neighbours]
    assert found == [("inquiry_id", "0197-1"), ("example", "Where is my parcel?")]
    assert 1 >= answer.neighbours[0].similarity > answer.neighbours[1].similarity
    assert answer.knowledge_version == 2


@pytest.mark.parametrize("text", ["", "hola", "👍", "?!?!", "word " * 3_000])
async def test_text_without_much_in_it_is_explained_too(ai: Stub, text: str) -> None:
    answer = await ai.ExplainCategory(pb.ExplainCategoryRequest(inquiry=request(text)))
    assert len(answer.categories) == 10
    assert len(answer.phrases) <= 8


async def test_category_outside_the_taxonomy_is_refused(ai: Stub) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ai.ExplainCategory(pb.ExplainCategoryRequest(inquiry=request("hola"), category="nope"))
    assert refused.value.violations[0].field == "category"
