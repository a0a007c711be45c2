"""An import stores what is right, once, in the order of receipt, and says of all else why it is not."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2
from pok.inquiry.v1 import transfer_pb2 as pb

from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
CANARY = "kanarienvogel"
LONG_AGO = Timestamp(seconds=1_700_000_000)


@pytest.fixture(autouse=True)
def admin(service: Service) -> None:
    act_as("admin", SOMEBODY)


def row(number: int, **fields: Any) -> pb.ImportRow:
    """A row that is fine as it is."""
    return pb.ImportRow(
        **{
            "row": number,
            "external_id": f"crm-{number}",
            "customer_name": "Ana Ruiz",
            "customer_email": "ana@example.com",
            "subject": "Cobro doble",
            "message": "Me han cobrado dos veces.",
            **fields,
        }
    )


async def imported(service: Service, *rows: pb.ImportRow, triage: bool = False) -> pb.ImportInquiriesResponse:
    return await service.transfer.ImportInquiries(pb.ImportInquiriesRequest(rows=rows, triage=triage))


async def all_of(service: Service) -> list[inquiry_pb2.Inquiry]:
    listed = await service.inquiries.ListInquiries(inquiry_pb2.ListInquiriesRequest(page_size=100))
    return list(listed.inquiries)


async def test_row_is_stored_with_all_that_it_says(service: Service) -> None:
    given = row(
        7,
        status=inquiry_pb2.INQUIRY_STATUS_RESOLVED,
        category="billing_payment",
        priority=analysis_pb2.PRIORITY_HIGH,
        language="pt-br",
        tags=["vip", "b", "vip"],
        create_time=LONG_AGO,
    )
    assert (await imported(service, given)).imported == 1
    (listed,) = await all_of(service)
    inquiry = await service.get(listed.id)
    assert (inquiry.external_id, inquiry.message, inquiry.language) == ("crm-7", given.message, "pt-BR")
    assert (inquiry.status, inquiry.priority, inquiry.category) == (given.status, given.priority, given.category)
    assert (list(inquiry.tags), list(inquiry.human_fields)) == (["b", "vip"], ["category", "priority"])
    assert inquiry.create_time == inquiry.resolve_time == LONG_AGO
    assert inquiry.triage_state == inquiry_pb2.TRIAGE_STATE_DONE
    (message,) = await service.sql("select * from message")
    assert (message["channel"], message["author"], message["kind"]) == ("import", "customer", "message")
    assert message["create_time"].timestamp() == LONG_AGO.seconds
    assert [tag["tag"] for tag in await service.sql("select tag from inquiry_tag order by tag")] == ["b", "vip"]


async def test_row_that_says_nothing_more_is_new_and_of_now(service: Service) -> None:
    await imported(service, row(1))
    (inquiry,) = await all_of(service)
    assert (inquiry.status, inquiry.priority) == (inquiry_pb2.INQUIRY_STATUS_NEW, analysis_pb2.PRIORITY_NORMAL)
    assert list(inquiry.human_fields) == []
    assert datetime.now(UTC) - inquiry.create_time.ToDatetime(UTC) < timedelta(minutes=1)


async def test_ids_sort_by_the_time_of_receipt(service: Service) -> None:
    newest = (await service.create()).inquiry.id
    times = [3, 1, 2, 900, 5, 4]
    rows = [row(n, create_time=Timestamp(seconds=1_500_000_000, nanos=time * 1000)) for n, time in enumerate(times)]
    await imported(service, *rows)
    listed = await all_of(service)
    assert listed[0].id == newest
    assert [inquiry.external_id for inquiry in listed[1:]] == ["crm-3", "crm-4", "crm-5", "crm-0", "crm-2", "crm-1"]
    assert [UUID(inquiry.id).version for inquiry in listed] == [7] * 7


async def test_row_that_is_not_right_stops_no_other_and_is_told_with_all_its_reasons(service: Service) -> None:
    future = Timestamp(seconds=4_000_000_000)
    result = await imported(
        service,
        row(1),
        row(2, external_id="", customer_email="ana", subject="x" * 301, message=""),
        row(3, category="nonsense", language="español", tags=["", "x" * 51]),
        row(4, status=99, priority=99, create_time=future, tags=[f"t{n}" for n in range(21)]),
        row(5, create_time=Timestamp(seconds=-1), customer_name="a\x00b"),
        row(6, message="x" * 20_000),
    )
    assert (result.imported, result.repeated_rows) == (2, 0)
    assert {rejected.row: sorted({error.field for error in rejected.errors}) for rejected in result.rejected} == {
        2: ["customer_email", "external_id", "message", "subject"],
        3: ["category", "language", "tags"],
        4: ["create_time", "priority", "status", "tags"],
        5: ["create_time", "customer_name"],
    }
    assert [rejected.external_id for rejected in result.rejected] == ["", "crm-3", "crm-4", "crm-5"]
    assert all(error.message.endswith(".") for rejected in result.rejected for error in rejected.errors)


async def test_equal_external_ids_make_one_inquiry_also_within_one_batch(service: Service) -> None:
    first = await imported(service, row(1, subject="first"), row(2, external_id="crm-1", subject="second"), row(3))
    assert (first.imported, first.repeated_rows) == (2, 1)
    again = await imported(service, row(1, subject="third"), row(2), row(3))
    assert (again.imported, again.repeated_rows) == (1, 2)
    assert sorted(inquiry.subject for inquiry in await all_of(service)) == ["Cobro doble", "Cobro doble", "first"]
    for table in ("message", "triage_job", "event"):
        assert len(await service.sql(f"select from {table}")) == 3


async def test_imports_of_the_same_rows_at_once_store_each_once(service: Service) -> None:
    rows = [row(number) for number in range(200)]
    results = await asyncio.gather(*(imported(service, *rows) for _ in range(4)))
    assert sum(result.imported for result in results) == 200
    assert sum(result.repeated_rows for result in results) == 600


async def test_what_was_exported_from_here_is_not_imported_beside_itself(service: Service) -> None:
    own = (await service.create()).inquiry.id
    assert (await imported(service, row(1, external_id=own))).repeated_rows == 1


async def test_imported_inquiries_are_analysed_on_request_only_and_last(service: Service) -> None:
    await imported(service, row(1))
    await imported(service, row(2), triage=True)
    states = {inquiry.external_id: inquiry.triage_state for inquiry in await all_of(service)}
    assert states == {"crm-1": inquiry_pb2.TRIAGE_STATE_DONE, "crm-2": inquiry_pb2.TRIAGE_STATE_QUEUED}
    jobs = await service.sql(
        "select j.lane, j.state from triage_job j join inquiry i on i.id = j.inquiry_id order by i.external_id"
    )
    assert [(job["lane"], job["state"]) for job in jobs] == [(2, "idle"), (2, "queued")]
    ids = {inquiry.external_id: inquiry.id for inquiry in await all_of(service)}
    assert await service.claim(ids["crm-1"]) is None
    assert await service.complete(await service.must_claim(ids["crm-2"]))


async def test_machine_leaves_a_category_that_was_imported_alone(service: Service) -> None:
    await imported(service, row(1, category="returns_refunds"), triage=True)
    (inquiry,) = await all_of(service)
    await service.complete(await service.must_claim(inquiry.id), category="billing_payment")
    after = await service.get(inquiry.id)
    assert (after.category, after.sentiment) == ("returns_refunds", analysis_pb2.SENTIMENT_NEGATIVE)


async def test_events_and_audit_log_say_what_was_imported_and_hold_no_texts(service: Service) -> None:
    texts = dict.fromkeys(("customer_name", "subject", "message", "external_id"), CANARY)
    await imported(
        service, row(1, **texts, customer_email=f"{CANARY}@example.com", tags=[CANARY], create_time=LONG_AGO)
    )
    await imported(service, row(2, subject=""))
    (event,) = await service.sql("select e.*, e.body::text as text from event e")
    assert (event["kind"], event["actor"], str(event["actor_id"])) == ("inquiry_imported", "agent", SOMEBODY)
    for part in ("2023-11-14T22:13:20", '"status": "new"', '"priority": "normal"', '"category": null'):
        assert part in event["text"]
    (entry,) = await service.sql("select a.*, a.detail::text as text from audit a where action = 'inquiry.import'")
    assert '"imported": 1' in entry["text"]
    assert CANARY not in event["text"] + entry["text"]


async def test_category_that_is_switched_off_is_refused(service: Service) -> None:
    await service.sql("update category set active = false where key = 'billing_payment'")
    result = await imported(service, row(1, category="billing_payment"))
    assert [error.field for error in result.rejected[0].errors] == ["category"]


async def test_more_rows_than_one_commit_may_have_are_refused(service: Service) -> None:
    with pytest.raises(errors.InvalidArgument):
        await imported(service, *(row(number) for number in range(501)))
    assert await all_of(service) == []


async def test_nothing_is_nothing(service: Service) -> None:
    assert await imported(service) == pb.ImportInquiriesResponse()


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_import(service: Service, role: context.Role) -> None:
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await imported(service, row(1))
