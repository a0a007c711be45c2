"""What leaves this machine: planted canaries do not, are put back in the draft, and stand in no log."""

import json
from typing import Any

import pytest
from pok.ai.v1 import analysis_pb2 as pb

from ai_service.knowledge import Knowledge
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.providers.openai import OpenAIProvider
from tests.ai_service.conftest import Stub, router, serving
from tests.support.openai_stub import OpenAIStub, answering, drafting, failing

NAME = "Zoraida Quintanilla"
CANARIES = {
    "email": "zoraida.q@example.com",
    "phone": "+34 612 345 678",
    "iban": "ES91 2100 0418 4502 0005 1332",
    "card": "4111 1111 1111 1111",
    "token": "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7",
    "address": "Calle Mayor 15, 3º B, 28013 Madrid",
}
LEAVES = "A-10023"


def asked() -> pb.AnalyzeRequest:
    first = f"Hola, soy {NAME.upper()}, pedido {LEAVES}: " + "; ".join(CANARIES.values())
    return pb.AnalyzeRequest(
        inquiry_id="0197-test",
        customer_name=NAME,
        subject=f"De Quintanilla, {CANARIES['email']}",
        conversation=[
            pb.Turn(author=pb.AUTHOR_CUSTOMER, text=first),
            pb.Turn(author=pb.AUTHOR_AGENT, text=f"Hola, Zoraida: ¿su teléfono es {CANARIES['phone']}?"),
            pb.Turn(author=pb.AUTHOR_CUSTOMER, text="Sí.\n\nUn saludo,\nzoraida"),
        ],
    )


def left(stub: OpenAIStub) -> str:
    """Everything that the provider got."""
    return json.dumps(stub.requests, ensure_ascii=False).casefold()


def planted(text: str) -> list[str]:
    """The canaries in it."""
    parts = [*NAME.split(), *CANARIES.values(), *(canary.replace(" ", "") for canary in CANARIES.values())]
    return [part for part in parts if part.casefold() in text.casefold()]


async def test_no_canary_leaves_with_an_analysis_and_the_draft_has_them_back(
    openai_ai: Stub, openai_stub: OpenAIStub, capfd: pytest.CaptureFixture[str]
) -> None:
    openai_stub.behave = answering(
        draft="Estimada [NAME_1]: escribiremos a [EMAIL_1] por la tarjeta [CARD_1].", missing=["el IBAN de [NAME_1]"]
    )
    analysis = (await openai_ai.Analyze(asked())).analysis
    assert planted(left(openai_stub)) == []
    assert LEAVES.casefold() in left(openai_stub)
    assert analysis.draft == f"Estimada {NAME}: escribiremos a {CANARIES['email']} por la tarjeta •••• 1111."
    assert list(analysis.missing) == [f"el IBAN de {NAME}"]
    assert {masked.kind for masked in analysis.masked} == {"name", *CANARIES}
    assert planted(analysis.sent_text) == []
    assert LEAVES in analysis.sent_text
    assert {fact.value for fact in analysis.entities} >= {LEAVES, CANARIES["email"]}
    logged = "".join(capfd.readouterr())
    assert "analyzed" in logged
    assert planted(logged) == []


async def test_no_canary_leaves_with_a_draft_and_pieces_have_them_back(
    openai_ai: Stub, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = drafting("Estimada [NA", "ME_", "1]: su correo es [EMAIL", "_1].")
    order = pb.DraftReplyRequest(inquiry=asked(), instruction=f"Saluda a Zoraida y menciona {CANARIES['phone']}")
    *pieces, last = [part async for part in openai_ai.DraftReply(order)]
    assert planted(left(openai_stub)) == []
    whole = f"Estimada {NAME}: su correo es {CANARIES['email']}."
    assert "".join(piece.delta for piece in pieces) == last.reply.text == whole
    assert {masked.kind for masked in last.reply.masked} == {"name", *CANARIES}


async def test_no_canary_is_logged_when_the_provider_fails(
    openai_ai: Stub, openai_stub: OpenAIStub, capfd: pytest.CaptureFixture[str]
) -> None:
    for behave in (failing(500), answering(draft=f"{NAME} https://evil.example/{NAME}"), answering(sentiment=NAME)):
        openai_stub.behave = behave
        await openai_ai.Analyze(asked())
    logged = "".join(capfd.readouterr())
    assert "provider_failed" in logged
    assert planted(logged) == []


@pytest.mark.parametrize("masking", [True, False])
async def test_masking_can_be_switched_off(
    openai_stub: OpenAIStub,
    embedded_provider: EmbeddedProvider,
    openai_provider: OpenAIProvider,
    knowledge: Knowledge,
    masking: bool,
) -> None:
    async with serving(router(embedded_provider, openai_provider, masking=masking), knowledge) as ai:
        analysis = (await ai.Analyze(asked())).analysis
    assert bool(planted(left(openai_stub))) is not masking
    assert (bool(planted(analysis.sent_text)), bool(analysis.masked)) == (not masking, masking)


async def test_nothing_leaves_while_the_embedded_model_answers(ai: Stub) -> None:
    analysis: Any = (await ai.Analyze(asked())).analysis
    assert (analysis.sent_text, list(analysis.masked)) == ("", [])
