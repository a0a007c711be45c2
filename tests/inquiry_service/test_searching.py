"""Staff find inquiries by words of every language, by names with typos, by reference and by meaning."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import errors
from tests.support.analysis_stub import AnalysisStub
from tests.support.embeddings import embedding
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.projections import projected
from tests.support.servers import PostgresServer


@pytest.fixture
async def ai() -> AsyncIterator[AnalysisStub]:
    stub = AnalysisStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def service(database_url: str, redis_url: str, ai: AnalysisStub) -> AsyncIterator[Service]:
    act_as("support")
    async with inquiry_service(database_url, redis_url, ai_address=ai.address) as running:
        yield running


async def indexed(service: Service) -> None:
    """What has been written so far can be found."""
    await projected(service, "search")


async def search(
    service: Service, query: str, *, page_size: int = 20, page_token: str = "", **filters: Any
) -> inquiry_pb2.ListInquiriesResponse:
    return await service.inquiries.ListInquiries(
        inquiry_pb2.ListInquiriesRequest(
            page_size=page_size, page_token=page_token, filter=inquiry_pb2.InquiryFilter(query=query, **filters)
        )
    )


async def subjects(service: Service, query: str, **filters: Any) -> list[str]:
    return [inquiry.subject for inquiry in (await search(service, query, **filters)).inquiries]


async def analysed(service: Service, **fields: Any) -> str:
    """An inquiry with its analysis; `language`, `embedding` and `category` are the analysis's."""
    named = ("language", "embedding", "encoder_version", "category")
    found = {name: fields.pop(name) for name in named if name in fields}
    inquiry_id = (await service.create(**fields)).inquiry.id
    await service.complete(await service.must_claim(inquiry_id), **{"embedding": b"", **found})
    return inquiry_id


@pytest.mark.parametrize(
    ("language", "message", "query"),
    [
        ("es", "Todavía no han llegado las facturaciones", "facturacion"),
        ("es", "Todavía no han llegado las facturaciones", "facturaciones llegadas"),
        ("en", "The invoices were duplicated", "duplicate invoice"),
        ("pt", "As encomendas não chegaram", "encomenda chegou não"),
        ("fr", "Mes commandes sont arrivées cassées", "commande arrivee"),
        ("de", "Die Lieferungen sind beschädigt", "lieferung beschadigt"),
        ("it", "I pagamenti sono stati rifiutati", "pagamento rifiutato"),
        ("es", "Quiero hablar con una persona", "habl"),
        ("es", "Quiero hablar con una persona", "quiero pers"),
        ("es", "Quiero hablar con una persona", '"hablar con una"'),
        ("es", "Quiero hablar con una persona", "hablar -factura"),
        ("zh", "我的订单 ABC99 在哪里", "abc99"),
    ],
)
async def test_words_are_found_in_their_forms_beginnings_and_without_accents(
    service: Service, language: str, message: str, query: str
) -> None:
    await analysed(service, subject="the one", message=message, language=language)
    await analysed(service, subject="another", message="Xxxx yyyy.", language=language)
    await indexed(service)
    page = await search(service, query)
    assert [inquiry.subject for inquiry in page.inquiries] == ["the one"]
    assert page.inquiries[0].matches[0].kind == "text"
    assert page.inquiries[0].matches[0].excerpt in message


async def test_all_words_must_be_there_and_none_that_is_excluded(service: Service) -> None:
    await analysed(service, subject="A", message="El pedido llegó roto y quiero un reembolso", language="es")
    await analysed(service, subject="B", message="El pedido llegó tarde", language="es")
    await analysed(service, subject="C", message="Reembolso del pedido tarde", language="es")
    await indexed(service)
    assert set(await subjects(service, "pedido reembolso")) == {"A", "C"}
    assert set(await subjects(service, "pedidos -rotos")) == {"B", "C"}
    assert set(await subjects(service, '"pedido llegó"')) == {"A", "B"}
    assert await subjects(service, "pedido de la tarde -reembolsos") == ["B"]
    assert await subjects(service, "-pedido") == []


@pytest.mark.parametrize(
    ("query", "kind", "excerpt"),
    [
        ("garcia", "name", "María García López"),
        ("gracia lopez", "name", "María García López"),
        ("Marai Garcia", "name", "María García López"),
        ("maria.garcia@example.org", "email", "maria.garcia@example.org"),
        ("mgarcia@exmaple.org", "name", "María García López"),
        ("crm-5512", "reference", "POK-1001"),
        ("pok-1001", "reference", "POK-1001"),
    ],
)
async def test_senders_and_references_are_found_also_with_typos(
    service: Service, query: str, kind: str, excerpt: str
) -> None:
    await service.create(
        customer_name="María García López", customer_email="maria.garcia@example.org", external_id="crm-5512"
    )
    await service.create(customer_name="John Smith", customer_email="john@example.com")
    await indexed(service)
    (found,) = (await search(service, query)).inquiries
    assert found.customer_name == "María García López"
    assert (found.matches[0].kind, found.matches[0].excerpt) == (kind, excerpt)


@pytest.mark.parametrize("query", ["100%", "a_b", "back\\slash", "'; drop table inquiry; --", '"', "-", ":* & |"])
async def test_query_is_text_not_a_pattern_nor_an_expression(service: Service, query: str) -> None:
    await service.create(subject=f"Dice {query} aquí")
    await service.create(subject="otro", message="nada")
    await indexed(service)
    found = [subject for subject in await subjects(service, query) if subject != "otro"]
    assert found in ([f"Dice {query} aquí"], [])


async def test_subject_counts_more_than_message_and_both_say_where(service: Service) -> None:
    await analysed(service, subject="Nada", message="Pregunto por el reembolso de ayer", language="es")
    await analysed(service, subject="Reembolso", message="Hola", language="es")
    await indexed(service)
    first, second = (await search(service, "reembolso")).inquiries
    assert [(match.kind, match.excerpt) for match in first.matches] == [("subject", "Reembolso")]
    assert [match.kind for match in second.matches] == ["text"]
    assert "reembolso" in second.matches[0].excerpt


async def test_same_meaning_is_found_without_the_same_words(service: Service, ai: AnalysisStub) -> None:
    await analysed(service, subject="I was charged twice", embedding=embedding(1, 2, 3, 4))
    await analysed(service, subject="Where is my parcel", embedding=embedding(-1, 2, -3, -4))
    await indexed(service)
    ai.embed = lambda text: embedding(1, 2, 3, 3)
    page = await search(service, "cobro por duplicado")
    assert page.meaning == "used"
    (found,) = page.inquiries
    assert (found.subject, found.matches[0].kind) == ("I was charged twice", "meaning")
    assert found.matches[0].similarity == pytest.approx(0.98, abs=0.02)
    await search(service, "cobro por duplicado")
    assert ai.embedded == ["cobro por duplicado"], "the second time it was remembered"


async def test_embeddings_of_another_encoder_are_not_compared(service: Service, ai: AnalysisStub) -> None:
    await analysed(service, embedding=embedding(1, 2), encoder_version="older")
    await indexed(service)
    ai.embed = lambda text: embedding(1, 2)
    assert await subjects(service, "algo distinto") == []


async def test_words_are_found_alone_while_the_ai_service_is_away(service: Service, ai: AnalysisStub) -> None:
    await service.create(subject="Reembolso")
    await indexed(service)
    ai.embed_failure = errors.Unavailable("Busy.", reason="PROVIDER_BUSY")
    page = await search(service, "reembolso")
    assert ([inquiry.subject for inquiry in page.inquiries], page.meaning) == (["Reembolso"], "unavailable")
    await ai.stop()
    assert (await search(service, "reembolso")).meaning == "unavailable"


async def test_reference_has_no_meaning_to_ask_for(service: Service, ai: AnalysisStub) -> None:
    created = await service.create()
    page = await search(service, created.inquiry.reference)
    assert (page.total, page.meaning, ai.embedded) == (1, "", [])


async def test_search_and_filters_hold_together(service: Service, ai: AnalysisStub) -> None:
    ai.embed = lambda text: embedding(1, 2)
    await analysed(service, subject="Factura A", embedding=embedding(1, 2), category="billing_payment", language="es")
    await analysed(service, subject="Factura B", embedding=embedding(1, 2), category="returns_refunds", language="es")
    await indexed(service)
    assert await subjects(service, "factura", categories=["returns_refunds"]) == ["Factura B"]
    both = ["returns_refunds", "billing_payment"]
    assert set(await subjects(service, "algo", categories=both, languages=["es"])) == {"Factura A", "Factura B"}
    assert await subjects(service, "factura", languages=["en"]) == []


@pytest.mark.parametrize("query", ["factura", "algo", "POK-1001", "ana", "facturación"])
async def test_every_filter_holds_for_every_way_of_finding(service: Service, ai: AnalysisStub, query: str) -> None:
    ai.embed = lambda text: embedding(1, 2)
    inquiry_id = await analysed(service, subject="Factura A", embedding=embedding(1, 2))
    await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=inquiry_id, add_tags=["vip", "ñ"]))
    await indexed(service)
    now = Timestamp()
    now.GetCurrentTime()
    met: list[dict[str, Any]] = [
        {"tags": ["vip", "ñ"]},
        {"unassigned": True, "tags": ["vip"]},
        {"created_before": Timestamp(seconds=now.seconds + 60)},
        {"confidence_from": 0.5, "statuses": [inquiry_pb2.INQUIRY_STATUS_NEW]},
    ]
    for filters in met:
        assert await subjects(service, query, **filters) == ["Factura A"], filters
    for filters in (
        {"tags": ["gone"]},
        {"confidence_below": 0.5},
        {"created_from": Timestamp(seconds=now.seconds + 60)},
    ):
        assert await subjects(service, query, **filters) == [], filters


async def test_category_is_found_by_its_name(service: Service) -> None:
    await analysed(service, subject="Hola", category="shipping_delivery")
    await indexed(service)
    (found,) = (await search(service, "shipping")).inquiries
    assert [match.kind for match in found.matches] == ["category"]


async def test_pages_of_a_search_leave_out_what_comes_in_between(service: Service) -> None:
    for number in range(7):
        await service.create(subject=f"reembolso {number}")
    await indexed(service)
    seen, token, pages = [], "", []
    while True:
        page = await search(service, "reembolso", page_size=3, page_token=token)
        pages.append([inquiry.subject for inquiry in page.inquiries])
        seen += pages[-1]
        assert (page.total, page.total_is_estimate) == (7, False)
        await service.create(subject="reembolso reembolso reembolso")
        await indexed(service)
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"reembolso {number}" for number in reversed(range(7))]
    back = await search(service, "reembolso", page_size=3, page_token=page.previous_page_token)
    assert [inquiry.subject for inquiry in back.inquiries] == pages[1]
    with pytest.raises(errors.InvalidArgument) as caught:
        await search(service, "otra cosa", page_token=page.previous_page_token)
    assert caught.value.reason == "BAD_PAGE_TOKEN"


async def test_more_than_is_ranked_is_counted_by_estimate(service: Service) -> None:
    await service.sql(
        """with new as (insert into inquiry (customer_name, customer_email, subject, snippet)
            select 'n', 'e@e', 'reembolso', 's' from generate_series(1, 500) returning id)
        insert into event (inquiry_id, version, kind, actor) select id, 1, 'inquiry_created', 'customer' from new"""
    )
    await indexed(service)
    await service.sql("select pg_catalog.pg_stat_clear_snapshot()")
    page = await search(service, "reembolso")
    assert page.total_is_estimate
    assert page.total > 200


async def test_what_lies_far_behind_the_newest_is_found_too(
    service: Service, postgres: PostgresServer, database_url: str
) -> None:
    owner = await asyncpg.connect(postgres.as_owner(database_url))
    for first in (1, 2_000_000, 2_900_000, 2_990_000, 2_999_000):
        await owner.execute(f"alter table inquiry alter column number restart with {first}")
        await service.create(subject=f"reembolso {first}", customer_name="Zenobia", message="Hola")
    await owner.close()
    await indexed(service)
    for query in ("reembolso", "reemb", "zenobia", "zenobbia", "hola"):
        page = await search(service, query)
        assert {inquiry.subject for inquiry in page.inquiries} == {
            *("reembolso 1", "reembolso 2000000", "reembolso 2900000", "reembolso 2990000", "reembolso 2999000")
        }, query


async def test_erased_inquiry_is_not_found_from_that_moment_on(service: Service, ai: AnalysisStub) -> None:
    inquiry_id = await analysed(service, subject="canary", embedding=embedding(1, 2))
    await indexed(service)
    act_as("admin", str(uuid.uuid4()))
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=inquiry_id))
    ai.embed = lambda text: embedding(1, 2)
    assert await subjects(service, "canary") == []
    for table in ("inquiry_search", "inquiry_meaning", "inquiry_embedding"):
        assert await service.sql(f"select from {table}") == []
    await indexed(service)
    assert await service.sql("select from inquiry_search") == []


async def test_replayed_log_leaves_the_index_as_it_is(service: Service) -> None:
    await analysed(service, subject="Reembolso", embedding=embedding(1, 2))
    await indexed(service)
    rows = "select s.*, s.ctid, m.*, m.ctid from inquiry_search s join inquiry_meaning m using (inquiry_id)"
    before = await service.sql(rows)
    await service.sql("update projection set txid = '0', number = 0 where name = 'search'")
    await indexed(service)
    assert await service.sql(rows) == before


async def test_longest_conversation_can_be_found_by_its_newest_words(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.sql(
        """insert into message (inquiry_id, number, author, kind, body)
        select $1::uuid, number, 'customer', 'follow_up',
            'nuevo' || number || ' ' || (select string_agg(md5(number || '-' || word), ' ')
                from generate_series(1, 600) word)
        from generate_series(2, 120) number""",
        inquiry_id,
    )
    await service.complete(await service.must_claim(inquiry_id))
    await indexed(service)
    assert [inquiry.id for inquiry in (await search(service, "nuevo120")).inquiries] == [inquiry_id]


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_others_are_found_by_what_their_view_shows(service: Service, role: Any) -> None:
    await service.create(subject="canary")
    await indexed(service)
    act_as(role, str(uuid.uuid4()) if role == "user" else "")
    page = await search(service, "canary")
    assert (page.total, page.meaning) == (0, "")


async def test_look_alikes_are_resolved_ones_closest_first_with_the_answer_that_was_sent(service: Service) -> None:
    asked = await analysed(service, embedding=embedding(1, 2, 3, 4))
    nearly = await analysed(service, subject="nearly", embedding=embedding(1, 2, 3, 3))
    same = await analysed(service, subject="same", embedding=embedding(1, 2, 3, 4))
    await analysed(service, subject="not resolved", embedding=embedding(1, 2, 3, 4))
    other = await analysed(service, subject="other", embedding=embedding(-4, 3, 2, -1))
    for text in ("Primera respuesta", "Última respuesta"):
        await service.write(same, "reply", text)
    await service.write(same, "note", "Nota")
    for inquiry_id in (nearly, same, other):
        await service.sql("update inquiry set status = 'resolved' where id = $1", inquiry_id)
    await indexed(service)
    found = await similar(service, asked)
    assert [one.inquiry.subject for one in found] == ["same", "nearly"]
    assert [one.reply for one in found] == ["Última respuesta", ""]
    assert [one.HasField("reply_time") for one in found] == [True, False]
    assert 1 >= found[0].similarity > found[1].similarity > 0.9
    assert [one.inquiry.subject for one in await similar(service, asked, page_size=1)] == ["same"]


async def test_inquiry_that_is_not_embedded_has_no_look_alikes(service: Service) -> None:
    assert await similar(service, (await service.create()).inquiry.id) == []


@pytest.mark.parametrize(
    ("role", "page_size", "error"),
    [("support", 21, errors.InvalidArgument), ("user", 5, errors.PermissionDenied), ("admin", 5, errors.NotFound)],
)
async def test_look_alikes_are_refused(service: Service, role: Any, page_size: int, error: type[Exception]) -> None:
    act_as(role, str(uuid.uuid4()))
    with pytest.raises(error):
        await similar(service, str(uuid.uuid4()), page_size=page_size)


async def test_replies_and_notes_are_found_too(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.write(inquiry_id, "reply", "Le enviamos un vale de descuento")
    await service.write(inquiry_id, "note", "Cliente mayorista")
    await indexed(service)
    for query in ("vale", "mayorista"):
        (found,) = (await search(service, query)).inquiries
        assert (found.id, found.matches[0].kind) == (inquiry_id, "text")


async def similar(service: Service, inquiry_id: str, page_size: int = 0) -> Sequence[inquiry_pb2.SimilarInquiry]:
    request = inquiry_pb2.ListSimilarInquiriesRequest(inquiry_id=inquiry_id, page_size=page_size)
    return (await service.inquiries.ListSimilarInquiries(request)).similar
