"""Everyone sees the view that is theirs, filters by what it shows, and pages without gaps."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.support.inquiry import Service, act_as
from tests.support.projections import projected
from tests.support.servers import PostgresServer

PERSONAL = ("customer_name", "customer_email", "subject", "message", "snippet", "suggested_reply", "tags", "sentiment")


async def listed(
    service: Service, *, page_size: int = 20, page_token: str = "", ordering: str = "", **filters: Any
) -> inquiry_pb2.ListInquiriesResponse:
    return await service.inquiries.ListInquiries(
        inquiry_pb2.ListInquiriesRequest(
            page_size=page_size,
            page_token=page_token,
            ordering=ordering,
            filter=inquiry_pb2.InquiryFilter(**filters),
        )
    )


async def ids_of(service: Service, **asked: Any) -> list[str]:
    page = await listed(service, **asked)
    assert page.total == len(page.inquiries)
    return [inquiry.id for inquiry in page.inquiries]


def time(written: str) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromJsonString(written)
    return timestamp


async def received(service: Service, at: str) -> str:
    """An inquiry from the past, as an import stores it."""
    [row] = await service.sql(
        """insert into inquiry (id, customer_name, customer_email, subject, snippet, create_time)
        select uuidv7($1::timestamptz - now()), 'n', 'e@e', 's', 's', $1 returning id""",
        datetime.fromisoformat(at),
    )
    return str(row["id"])


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
        ("anonymous", {"assignee_ids": [str(uuid.uuid4())]}),
        ("anonymous", {"unassigned": True}),
        ("anonymous", {"tags": ["vip"]}),
        ("anonymous", {"confidence_from": 0.0}),
        ("anonymous", {"confidence_below": 1.0}),
        ("user", {"ordering": "priority"}),
        ("user", {"tags": ["vip"]}),
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
    await projected(service, "search")
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
async def test_query_of_customers_is_text_not_a_pattern(service: Service, query: str) -> None:
    act_as("user", str(uuid.uuid4()))
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


async def test_assigned_and_unassigned_inquiries_are_found_apart_and_together(service: Service) -> None:
    agents = [uuid.uuid4() for _ in range(2)]
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    for inquiry_id, agent in zip(ids, agents, strict=False):
        await service.sql("update inquiry set assignee_id = $1 where id = $2", agent, inquiry_id)
    assert await ids_of(service, assignee_ids=[str(agents[0])]) == [ids[0]]
    assert await ids_of(service, assignee_ids=map(str, agents)) == [ids[1], ids[0]]
    assert await ids_of(service, unassigned=True) == [ids[2]]
    assert await ids_of(service, unassigned=True, assignee_ids=[str(agents[1])]) == [ids[2], ids[1]]
    open_and_mine = {"assignee_ids": [str(agents[0])], "statuses": [inquiry_pb2.INQUIRY_STATUS_NEW]}
    assert await ids_of(service, **open_and_mine) == [ids[0]]


async def test_all_tags_must_be_there(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    for inquiry_id, tags in zip(ids, (["vip"], ["vip", "late"], ["late", "vip", "ñ"]), strict=True):
        await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=inquiry_id, add_tags=tags))
    assert await ids_of(service, tags=["vip"]) == ids[::-1]
    assert await ids_of(service, tags=["late", "vip", "late"]) == [ids[2], ids[1]]
    assert await ids_of(service, tags=["ñ", "late", "vip"]) == [ids[2]]
    assert await ids_of(service, tags=["vip", "gone"]) == []
    await service.inquiries.UpdateInquiry(inquiry_pb2.UpdateInquiryRequest(id=ids[2], remove_tags=["late"]))
    assert await ids_of(service, tags=["late"], ordering="update_time") == [ids[1]]


async def test_range_of_receipt_begins_with_its_start_and_ends_before_its_end(service: Service) -> None:
    ids = [await received(service, f"2026-03-0{day}T12:00:00Z") for day in range(1, 5)]
    from_, before = time("2026-03-02T12:00:00Z"), time("2026-03-04T12:00:00Z")
    assert await ids_of(service, created_from=from_, created_before=before) == [ids[2], ids[1]]
    assert await ids_of(service, created_before=from_) == [ids[0]]
    assert await ids_of(service, created_from=time("0001-01-01T00:00:00Z")) == ids[::-1]
    assert await ids_of(service, created_from=time("9999-12-31T00:00:00Z")) == []
    act_as("anonymous")
    assert await ids_of(service, created_from=before) == [ids[3]]


async def test_confidence_is_filtered_from_and_below(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    for inquiry_id, confidence in zip(ids, (0.25, 0.5, 0.75), strict=True):
        await service.complete(await service.must_claim(inquiry_id), confidence=confidence)
    assert await ids_of(service, confidence_from=0.5) == [ids[2], ids[1]]
    assert await ids_of(service, confidence_from=0.25, confidence_below=0.75) == [ids[1], ids[0]]


PRIORITIES = ("normal", "urgent", "low", "high", "urgent", "normal", "low")


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("", [6, 5, 4, 3, 2, 1, 0]),
        ("create_time", [0, 1, 2, 3, 4, 5, 6]),
        ("-update_time", [0, 6, 5, 4, 3, 2, 1]),
        ("update_time", [1, 2, 3, 4, 5, 6, 0]),
        ("-priority", [4, 1, 3, 5, 0, 6, 2]),
        ("priority", [2, 6, 0, 5, 3, 1, 4]),
    ],
)
@pytest.mark.parametrize("role", ["support", "anonymous"])
async def test_every_ordering_is_paged_in_both_directions_while_inquiries_arrive(
    service: Service, role: Role, ordering: str, expected: list[int]
) -> None:
    ids = [(await service.create()).inquiry.id for _ in PRIORITIES]
    for inquiry_id, priority in zip(ids, PRIORITIES, strict=True):
        await service.sql("update inquiry set priority = $1 where id = $2", priority, inquiry_id)
    await service.sql("update inquiry set update_time = now() where id = $1", ids[0])
    act_as(role)
    seen: list[int] = []
    token = ""
    while True:
        page = await listed(service, page_size=3, page_token=token, ordering=ordering)
        known = [ids.index(inquiry.id) for inquiry in page.inquiries if inquiry.id in ids]
        seen += known
        if not page.next_page_token:
            break
        token = page.next_page_token
        if ordering.startswith("-") or not ordering:  # else it belongs to the end and would make more pages
            await service.create()
    assert seen == expected
    before = seen[: -len(known)]
    back = await listed(service, page_size=3, page_token=page.previous_page_token, ordering=ordering)
    again = [ids.index(inquiry.id) for inquiry in back.inquiries if inquiry.id in ids]
    assert again == before[-len(again) :]


@pytest.mark.parametrize("ordering", ["subject", "--create_time", "-", "id; drop table inquiry"])
async def test_unknown_ordering_is_refused(service: Service, ordering: str) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        await listed(service, ordering=ordering)
    assert [violation.field for violation in caught.value.violations] == ["ordering"]


async def test_page_token_is_bound_to_filters_ordering_and_principal(service: Service) -> None:
    await asyncio.gather(*(service.create() for _ in range(3)))
    token = (await listed(service, page_size=1)).next_page_token
    for role, forged, filters in (
        ("support", token, {"languages": ["es"]}),
        ("support", token, {"ordering": "create_time"}),
        ("support", token, {"created_from": time("2026-03-02T12:00:00Z")}),
        ("anonymous", token, {}),
        ("support", token[:-2] + "AA", {}),
        ("support", "%%%", {}),
    ):
        act_as(role)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidArgument) as caught:
            await listed(service, page_size=1, page_token=forged, **filters)
        assert caught.value.reason == "BAD_PAGE_TOKEN"


async def test_totals_beyond_the_counting_limit_are_estimates_that_hold_for_a_moment(
    service: Service, postgres: PostgresServer
) -> None:
    async def total_with(more: int) -> tuple[int, bool]:
        owner = await asyncpg.connect(postgres.as_owner(service.database_url))
        await owner.execute(
            f"""insert into inquiry (customer_name, customer_email, subject, snippet)
            select 'n', 'e@e', 's', 's' from generate_series(1, {more})"""
        )
        await owner.execute("analyze inquiry")
        await owner.close()
        page = await listed(service)
        return page.total, page.total_is_estimate

    assert [await total_with(2), await total_with(3), await total_with(1495)] == [(2, False), (5, False), (1500, True)]
    assert [await total_with(2500), await total_with(4000)] == [(4000, True), (4000, True)]


@pytest.mark.parametrize("page_size", [-1, 101])
async def test_page_size_out_of_bounds_is_refused(service: Service, page_size: int) -> None:
    with pytest.raises(errors.InvalidArgument):
        await listed(service, page_size=page_size)


@pytest.mark.parametrize("inquiry_id", ["", "nonsense", "0198a0e0-0000-7000-8000-000000000001"])
async def test_unknown_inquiry_is_not_found(service: Service, inquiry_id: str) -> None:
    with pytest.raises(errors.NotFound):
        await service.get(inquiry_id)
