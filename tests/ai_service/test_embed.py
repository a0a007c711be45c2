"""Embeddings: of every analysis, whatever provider made it, and of texts that are asked for."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pok.ai.v1 import analysis_pb2 as pb

from ai_service.convert import MAX_CHARACTERS, MAX_TEXTS
from runtime.rpc.errors import InvalidArgument
from tests.ai_service.builders import request as asked
from tests.ai_service.conftest import Stub

SPANISH, ENGLISH, OTHER = "Me cobraron dos veces el pedido", "I was charged twice for the order", "¿A qué hora abren?"


def numbers(packed: bytes) -> NDArray[np.float32]:
    return np.frombuffer(packed, "<f2").astype(np.float32)


async def embedded(ai: Stub, *texts: str) -> list[NDArray[np.float32]]:
    return [numbers(packed) for packed in (await ai.Embed(pb.EmbedRequest(texts=texts))).embeddings]


async def test_texts_of_one_meaning_lie_close_whatever_their_language(ai: Stub) -> None:
    spanish, english, other = await embedded(ai, SPANISH, ENGLISH, OTHER)
    assert spanish @ english > 0.6 > 0.3 > spanish @ other


async def test_embedding_has_512_numbers_and_length_one(ai: Stub) -> None:
    for row in await embedded(ai, SPANISH, "", "注文はどこですか", "a" * MAX_CHARACTERS):
        assert row.shape == (512,)
        assert float(row @ row) == pytest.approx(1, abs=0.01)


async def test_as_many_as_allowed_are_answered_in_their_order(ai: Stub) -> None:
    texts = [f"order {number}" for number in range(MAX_TEXTS)]
    rows = await embedded(ai, *texts)
    assert len(rows) == MAX_TEXTS
    (last,) = await embedded(ai, texts[-1])
    assert rows[-1] @ last > 0.99


@pytest.mark.parametrize("texts", [[], ["a"] * (MAX_TEXTS + 1), ["a", "b" * (MAX_CHARACTERS + 1)]])
async def test_too_few_too_many_and_too_long_texts_are_refused(ai: Stub, texts: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await ai.Embed(pb.EmbedRequest(texts=texts))
    assert caught.value.violations[0].field == ("texts.1" if len(texts) == 2 else "texts")


async def test_every_analysis_carries_the_embedding_of_what_the_customer_wrote(ai: Stub, openai_ai: Stub) -> None:
    sent = asked(SPANISH, subject="Cobro doble")
    sent.conversation.add(author=pb.AUTHOR_AGENT, text="The agent's words count for nothing here.")
    answer = await ai.Embed(pb.EmbedRequest(texts=[f"Cobro doble\n{SPANISH}"]))
    for provider in (ai, openai_ai):
        analysis = (await provider.Analyze(sent)).analysis
        assert analysis.encoder_version == answer.encoder_version != ""
        assert numbers(analysis.embedding) @ numbers(answer.embeddings[0]) > 0.999
