"""An export holds every inquiry that matches, once, whatever happens meanwhile; the cursor tells of every change."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.inquiry.v1 import inquiry_pb2
from pok.inquiry.v1 import transfer_pb2 as pb

from inquiry_service.domain.exporting import BATCH
from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
LONGEST = "🦊" * 20_000


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


async def filled(service: Service, count: int, message: str = "m") -> list[str]:
    """Inquiries; their ids, oldest first."""
    rows = [
        pb.ImportRow(
            row=n, external_id=f"{n}", customer_name="Ana", customer_email="a@b.es", subject="s", message=message
        )
        for n in range(count)
    ]
    for start in range(0, count, 10):
        await service.transfer.ImportInquiries(pb.ImportInquiriesRequest(rows=rows[start : start + 10]))
    return [str(row["id"]) for row in await service.sql("select id from inquiry order by id")]


def export(service: Service, **conditions: object) -> AsyncIterator[pb.ExportInquiriesResponse]:
    filter_ = inquiry_pb2.InquiryFilter(**conditions)  # type: ignore[arg-type]
    return aiter(service.transfer.ExportInquiries(pb.ExportInquiriesRequest(filter=filter_)))


async def all_changes(service: Service, after: str = "", size: int = 0) -> list[pb.ListChangedInquiriesResponse]:
    pages = []
    while True:
        page = await changes(service, after, size)
        pages.append(page)
        if page.end_of_stream:
            return pages
        after = page.after


async def changes(service: Service, after: str = "", size: int = 0) -> pb.ListChangedInquiriesResponse:
    return await service.transfer.ListChangedInquiries(pb.ListChangedInquiriesRequest(after=after, page_size=size))


async def resolve(service: Service, inquiry_id: str) -> None:
    await service.inquiries.UpdateInquiry(
        inquiry_pb2.UpdateInquiryRequest(
            id=inquiry_id,
            inquiry=inquiry_pb2.Inquiry(status=inquiry_pb2.INQUIRY_STATUS_RESOLVED),
            update_mask=FieldMask(paths=["status"]),
        )
    )


async def test_export_is_whole_and_oldest_first_whatever_comes_and_goes_meanwhile(service: Service) -> None:
    ids = await filled(service, 5 * BATCH + 3)
    batches = export(service)
    first = await anext(batches)
    await asyncio.gather(*(service.create() for _ in range(20)))
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=ids[1]))
    rest = [inquiry for batch in [batch async for batch in batches] for inquiry in batch.inquiries]
    exported = [inquiry.id for inquiry in [*first.inquiries, *rest]]
    assert exported[: len(ids)] == ids
    assert len(set(exported)) == len(exported)
    assert first.inquiries[0].message == "m"


async def test_longest_inquiries_fit_into_messages(service: Service) -> None:
    ids = await filled(service, 4 * BATCH, LONGEST)
    exported = [inquiry async for batch in export(service) for inquiry in batch.inquiries]
    assert [inquiry.id for inquiry in exported] == ids
    assert {inquiry.message for inquiry in exported} == {LONGEST}
    pages = await all_changes(service)
    assert [inquiry.id for page in pages for inquiry in page.inquiries] == ids
    assert len(pages) > 1


async def test_export_follows_the_filters(service: Service) -> None:
    ids = await filled(service, 3)
    await resolve(service, ids[1])
    batches = [batch async for batch in export(service, statuses=[inquiry_pb2.INQUIRY_STATUS_RESOLVED])]
    assert [[inquiry.id for inquiry in batch.inquiries] for batch in batches] == [[ids[1]]]


async def test_export_is_recorded_without_what_was_searched_for(service: Service) -> None:
    async for _ in export(service, categories=["billing_payment"], query="kanarienvogel"):
        pass
    (entry,) = await service.sql("select a.*, a.detail::text as text from audit a where action = 'inquiry.export'")
    assert "billing_payment" in entry["text"]
    assert "kanarienvogel" not in entry["text"]


async def test_changes_are_those_since_the_last_page_each_inquiry_once_as_it_is_now(service: Service) -> None:
    ids = await filled(service, 4)
    *_, page = pages = await all_changes(service)
    assert [inquiry.id for page in pages for inquiry in page.inquiries] == ids
    nothing = await changes(service, page.after)
    assert (list(nothing.inquiries), nothing.end_of_stream, nothing.after) == ([], True, page.after)
    await resolve(service, ids[2])
    await service.complete(await service.must_claim((await service.create()).inquiry.id))
    await resolve(service, ids[0])
    await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=ids[3]))
    pages = await all_changes(service, page.after)
    known = {inquiry.id: inquiry for page in pages for inquiry in page.inquiries}
    assert len(known) == 3
    assert {known[id_].status for id_ in (ids[2], ids[0])} == {inquiry_pb2.INQUIRY_STATUS_RESOLVED}
    assert {inquiry.triage_state for inquiry in known.values()} == {inquiry_pb2.TRIAGE_STATE_DONE}
    assert [id_ for page in pages for id_ in page.erased_ids] == [ids[3]]


async def test_small_pages_tell_the_same_as_a_large_one(service: Service) -> None:
    ids = await filled(service, 25)
    pages = await all_changes(service, size=4)
    assert [inquiry.id for page in pages for inquiry in page.inquiries] == ids
    assert all(len(page.inquiries) <= 4 for page in pages)


async def test_changes_of_many_writers_are_all_told(service: Service) -> None:
    known: dict[str, int] = {}
    after, writing = "", True

    async def write() -> None:
        for _ in range(25):
            await resolve(service, (await service.create()).inquiry.id)

    async def follow() -> None:
        nonlocal after
        while True:
            last = not writing
            page = await changes(service, after, 10)
            known.update({inquiry.id: inquiry.version for inquiry in page.inquiries})
            after = page.after
            if last and page.end_of_stream:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write() for _ in range(8)))
    writing = False
    await following
    assert known == {str(row["id"]): row["version"] for row in await service.sql("select id, version from inquiry")}


async def test_position_of_a_database_that_was_restored_begins_anew(service: Service) -> None:
    await filled(service, 1)
    after = (await changes(service)).after
    await all_changes(service)
    await service.sql("update feed set era = era + 1, epoch = 'another'")
    with pytest.raises(errors.FailedPrecondition) as refused:
        await changes(service, after)
    assert refused.value.reason == "FEED_RESTARTED"
    assert len((await changes(service)).inquiries) == 1


@pytest.mark.parametrize("after", ["x", "🦊", "bmV4dA"])
async def test_position_that_we_did_not_give_is_refused(service: Service, after: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        await changes(service, after)


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_export(service: Service, role: context.Role) -> None:
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await anext(export(service))
    with pytest.raises(errors.PermissionDenied):
        await changes(service)
