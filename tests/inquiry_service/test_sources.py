"""What the AI is given to build a reply on: canned replies that fit, and how look-alikes were answered."""

from typing import Any

import pytest
from pok.ai.v1 import analysis_pb2 as ai
from pok.inquiry.v1 import catalog_pb2, conversation_pb2, decisions_pb2, inquiry_pb2

from inquiry_service.domain.sources import impersonal
from tests.inquiry_service.test_learning import BILLING, REFUNDS, TECHNICAL, analysed, change, erase
from tests.support.analysis_stub import AnalysisStub
from tests.support.embeddings import embedding
from tests.support.inquiry import Service, act_as
from tests.support.projections import projected


async def canned(service: Service, title: str, **fields: Any) -> str:
    act_as("admin", "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f")
    reply = catalog_pb2.CannedReply(**{"title": title, "body": "Hola {{customer_name}}", "language": "es", **fields})
    made = await service.catalog.CreateCannedReply(catalog_pb2.CreateCannedReplyRequest(canned_reply=reply))
    act_as("support")
    return made.canned_reply.id


async def answered(service: Service, reply: str = "Te lo devolvemos.", near: float = 1.0, **fields: Any) -> str:
    """A resolved inquiry with its answer, whose embedding is near to that of others."""
    inquiry_id = (await service.create(**fields)).inquiry.id
    await service.complete(await service.must_claim(inquiry_id), embedding=embedding(1.0, near))
    await service.write(inquiry_id, "note", "Cliente difícil.")
    if reply:
        await service.write(inquiry_id, "reply", reply)
    await change(service, inquiry_id, status=inquiry_pb2.INQUIRY_STATUS_RESOLVED)
    return inquiry_id


async def regenerated(service: Service, analysis: AnalysisStub, inquiry_id: str) -> list[ai.Source]:
    request = conversation_pb2.RegenerateDraftRequest(inquiry_id=inquiry_id)
    _ = [part async for part in service.conversation.RegenerateDraft(request, timeout=15)]
    return list(analysis.asked[-1].inquiry.sources)


async def claimed(service: Service, inquiry_id: str) -> list[ai.Source]:
    return list((await service.must_claim(inquiry_id)).request.sources)


async def test_claim_hands_out_canned_replies_as_they_are(service: Service) -> None:
    id_ = await canned(service, "Devolución", category=REFUNDS)
    await canned(service, "Too long", body="x" * 5_001)
    assert await claimed(service, (await service.create()).inquiry.id) == [
        ai.Source(
            id=f"canned:{id_}", title="Devolución", text="Hola {{customer_name}}", category=REFUNDS, language="es"
        )
    ]


async def test_claim_says_what_the_customer_knows_the_inquiry_by(service: Service) -> None:
    inquiry = (await service.create()).inquiry
    assert (await service.must_claim(inquiry.id)).request.reference == inquiry.reference


async def test_unknown_language_gets_some_canned_replies_of_each(service: Service) -> None:
    for language in ("de", "en", "es"):
        for number in range(15):
            category = (BILLING, REFUNDS, TECHNICAL)[number % 3]
            await canned(service, f"T{number}", language=language, category=category)
    sources = await claimed(service, (await service.create()).inquiry.id)
    assert len(sources) == 20
    for language in ("de", "en", "es"):
        own = [source.category for source in sources if source.language == language]
        assert len(own) >= 6
        assert len(set(own)) == 3


async def test_language_and_category_that_are_known_come_first(service: Service) -> None:
    for language in ("en", "es-MX"):
        for category in (BILLING, REFUNDS, ""):
            await canned(service, f"{category} {language}", language=language, category=category)
    inquiry_id = await analysed(service, language="es", category=REFUNDS)
    await service.write(inquiry_id, "reply", "Hola.")
    await service.decisions.RetriageInquiry(decisions_pb2.RetriageInquiryRequest(inquiry_id=inquiry_id))
    sources = await claimed(service, inquiry_id)
    assert [source.language for source in sources] == ["es-MX"] * 3 + ["en"] * 3
    assert {source.category for source in sources[:2]} == {REFUNDS, ""}
    assert sources[2].category == BILLING


async def test_dry_run_gets_them_too(service: Service, analysis: AnalysisStub) -> None:
    id_ = await canned(service, "Devolución")
    asked: list[ai.AnalyzeRequest] = []
    answer = analysis.answer

    async def note(request: ai.AnalyzeRequest) -> ai.Analysis:
        asked.append(request)
        return await answer(request)

    analysis.answer = note
    inquiry_id = (await service.create()).inquiry.id
    await service.decisions.DryRun(decisions_pb2.DryRunRequest(inquiry_id=inquiry_id, provider="auto"))
    assert [source.id for source in asked[0].sources] == [f"canned:{id_}"]


async def test_new_draft_builds_on_how_three_look_alikes_were_answered(
    service: Service, analysis: AnalysisStub
) -> None:
    near = [await answered(service, f"R{number}", near=1 - number / 20, subject="Cobro") for number in range(4)]
    await answered(service, "Otra cosa.", near=-5.0)
    await answered(service, "", near=1.0)
    reply = await canned(service, "Devolución")
    inquiry_id = await analysed(service)
    await projected(service, "search")
    sources = await regenerated(service, analysis, inquiry_id)
    assert [source.id for source in sources] == [*(f"reply:{id_}" for id_ in near[:3]), f"canned:{reply}"]
    assert [source.text for source in sources[:3]] == ["R0", "R1", "R2"]
    assert (sources[0].title, sources[0].category, sources[0].language) == ("Cobro", BILLING, "es")
    await erase(service, near[0])
    assert [source.text for source in await regenerated(service, analysis, inquiry_id)][:3] == ["R1", "R2", "R3"]


async def test_inquiry_that_is_not_embedded_gets_canned_replies_only(service: Service, analysis: AnalysisStub) -> None:
    await answered(service)
    reply = await canned(service, "Devolución")
    inquiry_id = (await service.create()).inquiry.id
    await projected(service, "search")
    assert [source.id for source in await regenerated(service, analysis, inquiry_id)] == [f"canned:{reply}"]


async def test_answers_to_others_say_nothing_of_them(service: Service, analysis: AnalysisStub) -> None:
    await answered(
        service,
        "Hola, Mª José: el pedido B-77441 de Muñoz sale hoy; escriba a jose@example.org o al +34 600 123 456.",
        customer_name="María José Muñoz",
        subject="Pedido B-77441 de José",
    )
    inquiry_id = await analysed(service)
    await projected(service, "search")
    [source] = await regenerated(service, analysis, inquiry_id)
    seen = source.title + source.text
    assert not [word for word in ("José", "Muñoz", "77441", "example.org", "123 456") if word in seen]
    assert "Cliente difícil" not in seen


@pytest.mark.parametrize(
    ("text", "name", "after"),
    [
        ("Hola, Ana Ruiz: gracias, ANA.", "Ana Ruiz", "Hola, {{customer_name}}: gracias, {{customer_name}}."),
        ("Mañana la banana de Ana.", "Ana", "Mañana la banana de {{customer_name}}."),
        ("Pague 49,90 € el 12 de mayo.", "Ana", "Pague 49,90 € el 12 de mayo."),
        ("Pedido A-10023 en ES91 2100.", "", "Pedido […] en ES91 […]."),
        ("Escríbanos: ana.ruiz+x@example.co.uk.", "Ana Ruiz", "Escríbanos: […]."),
        ("Sin nada.", "", "Sin nada."),
        ("De la Cruz (li)", "Li (", "De la Cruz (li)"),
    ],
)
def test_text_to_one_customer_becomes_one_to_anybody(text: str, name: str, after: str) -> None:
    assert impersonal(text, name) == after
