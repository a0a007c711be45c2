"""Everyone sees the view that is theirs, filters by what it shows, and pages without gaps."""

import asyncio
import uuid
from typing import Any

import pytest
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import errors
from tests.support.inquiry import Service, act_as

PERSONAL = ("customer_name", "customer_email", "subject", "message", "snippet", "suggested_reply", "tags", "sentiment")


async def listed(
    service: Service, *, page_size: int = 20, page_token: str = "", **filters: Any
) -> inquiry_pb2.ListInquiriesResponse:
    return await service.inquiries.ListInquiries(
        inquiry_pb2.ListInquiriesRequest(
            page_size=page_size, page_token=page_token, filter=inquiry_pb2.InquiryFilter(**filters)
        )
    )


async def test_public_view_carries_no_personal_data(service: Service) -> None:
    created = await service.create()
    await service.complete(await service.must_claim(created.inquiry.id))
    act_as("anonymous")
    page = await listed(service)
    for inquiry in (page.inquiries[0], await service.get(created.inquiry.id)):
        assert inquiry.category == "billing_payment"
        assert not any(getattr(inquiry, name) for name in PERSONAL)
    assert page.view == inquiry_pb2.INQUIRY_VIEW_PUBLIC


async def test_staff_sees_message_draft_facts_and_model(service: Service) -> None:
    created = await service.create()
    await service.complete(await service.must_claim(created.inquiry.id))
    inquiry = await service.get(created.inquiry.id)
    assert inquiry.message == "Me han cobrado dos veces el pedido A-10023."
    assert inquiry.suggested_reply == "Hola, Ana: lo revisamos."
    assert [entity.value for entity in inquiry.entities] == ["A-10023"]
    assert inquiry.model.name == "test-1"


async def test_customer_lists_and_reads_only_what_they_sent_signed_in(service: Service) -> None:
    account_id = str(uuid.uuid4())
    others = await service.create()
    act_as("user", account_id)
    own = await service.create(subject="Mi pedido")
    page = await listed(service)
    assert [inquiry.id for inquiry in page.inquiries] == [own.inquiry.id]
    assert (page.view, page.total) == (inquiry_pb2.INQUIRY_VIEW_CUSTOMER, 1)
    assert (await service.get(own.inquiry.id)).subject == "Mi pedido"
    assert (await service.get(others.inquiry.id)).subject == ""


@pytest.mark.parametrize(
    ("role", "filters"),
    [
        ("anonymous", {"sentiments": [analysis_pb2.SENTIMENT_NEGATIVE]}),
        ("user", {"priorities": [analysis_pb2.PRIORITY_HIGH]}),
    ],
)
async def test_hidden_fields_cannot_be_filtered_by(service: Service, role: str, filters: dict[str, Any]) -> None:
    act_as(role, str(uuid.uuid4()) if role == "user" else "")  # type: ignore[arg-type]
    with pytest.raises(errors.PermissionDenied) as caught:
        await listed(service, **filters)
    assert caught.value.reason == "VIEW_LACKS_FIELD"


async def test_public_query_finds_references_and_categories_but_no_text(service: Service) -> None:
    created = await service.create(subject="canary")
    await service.complete(await service.must_claim(created.inquiry.id))
    found = {}
    for query in ("canary", "ana@example.com", "pok-1001", "Factura", "invoices"):
        act_as("anonymous")
        public = await listed(service, query=query)
        act_as("support")
        staff = await listed(service, query=query)
        found[query] = (public.total, staff.total)
    assert found == {
        "canary": (0, 1),
        "ana@example.com": (0, 1),
        "pok-1001": (1, 1),
        "Factura": (1, 1),
        "invoices": (0, 0),
    }


@pytest.mark.parametrize("query", ["100%", "a_b", "back\\slash", "'; drop table inquiry; --"])
async def test_query_is_text_not_a_pattern(service: Service, query: str) -> None:
    await service.create(subject=f"Dice {query} aquí")
    await service.create(subject="100 aXb backslash")
    assert [inquiry.subject for inquiry in (await listed(service, query=query)).inquiries] == [f"Dice {query} aquí"]


async def test_filters_combine_and_accept_several_values(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    for inquiry_id, category in zip(ids, ("billing_payment", "returns_refunds", "technical_issue"), strict=True):
        await service.complete(await service.must_claim(inquiry_id), category=category, other="general_other")
    page = await listed(
        service,
        categories=["billing_payment", "technical_issue"],
        sentiments=[analysis_pb2.SENTIMENT_NEGATIVE],
        triage_states=[inquiry_pb2.TRIAGE_STATE_DONE],
        statuses=[inquiry_pb2.INQUIRY_STATUS_NEW, inquiry_pb2.INQUIRY_STATUS_OPEN],
        languages=["es"],
    )
    assert [inquiry.id for inquiry in page.inquiries] == [ids[2], ids[0]]


async def test_pages_go_both_ways_without_gap_or_repeat_while_inquiries_arrive(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(7)]
    seen, token, pages = [], "", []
    while True:
        page = await listed(service, page_size=3, page_token=token)
        pages.append([inquiry.id for inquiry in page.inquiries])
        seen += pages[-1]
        await service.create()
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert seen == ids[::-1]
    back = await listed(service, page_size=3, page_token=page.previous_page_token)
    assert [inquiry.id for inquiry in back.inquiries] == pages[1]


async def test_page_token_is_bound_to_filters_and_principal(service: Service) -> None:
    await asyncio.gather(*(service.create() for _ in range(3)))
    token = (await listed(service, page_size=1)).next_page_token
    for role, forged, filters in (
        ("support", token, {"languages": ["es"]}),
        ("anonymous", token, {}),
        ("support", token[:-2] + "AA", {}),
        ("support", "%%%", {}),
    ):
        act_as(role)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidArgument) as caught:
            await listed(service, page_size=1, page_token=forged, **filters)
        assert caught.value.reason == "BAD_PAGE_TOKEN"


async def test_totals_beyond_the_counting_limit_are_estimates_and_say_so(service: Service) -> None:
    await service.sql(
        """insert into inquiry (customer_name, customer_email, subject, snippet)
        select 'n', 'e@e', 's', 's' from generate_series(1, 1500)"""
    )
    await service.sql("analyze inquiry")
    page = await listed(service)
    assert page.total_is_estimate
    assert 1001 <= page.total <= 2000


@pytest.mark.parametrize("page_size", [-1, 101])
async def test_page_size_out_of_bounds_is_refused(service: Service, page_size: int) -> None:
    with pytest.raises(errors.InvalidArgument):
        await listed(service, page_size=page_size)


@pytest.mark.parametrize("inquiry_id", ["", "nonsense", str(uuid.uuid4())])
async def test_unknown_inquiry_is_not_found(service: Service, inquiry_id: str) -> None:
    with pytest.raises(errors.NotFound):
        await service.get(inquiry_id)
