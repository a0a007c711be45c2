"""The audit log is read by admins only, page by page or whole, and who took it whole stands in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import audit_pb2 as pb
from pok.inquiry.v1 import inquiry_pb2

from inquiry_service.domain.audit_reading import BATCH
from runtime.rpc import context, errors
from runtime.rpc.client import dial
from runtime.rpc.tokens import mint_debug_token
from runtime.settings import Secret
from tests.support.inquiry import Service, act_as
from tests.support.tokens import DEBUG_KEY

ANA, EVA = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f", "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e60"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def log(service: Service) -> None:
    """Five entries, an hour apart; the test calls as an admin."""
    rows = [
        ("session.create", "ok", ANA, "s1"),
        ("session.create", "refused", None, ANA),
        ("account.update", "ok", EVA, ANA),
        ("category.update", "ok", EVA, "billing_payment"),
        ("session.create", "ok", EVA, "s2"),
    ]
    for hours, row in enumerate(rows):
        await service.sql(
            "insert into audit (action, outcome, actor_id, target, create_time) values ($1, $2, $3, $4, $5)",
            *row,
            NOON + timedelta(hours=hours),
        )
    act_as("admin", EVA)


def at(hours: int) -> Timestamp:
    time = Timestamp()
    time.FromDatetime(NOON + timedelta(hours=hours))
    return time


async def listed(service: Service, **fields: Any) -> list[int]:
    request = pb.ListAuditEntriesRequest(filter=pb.AuditFilter(**fields))
    return [entry.number for entry in (await service.audit.ListAuditEntries(request)).entries]


async def exported(service: Service, **fields: Any) -> list[list[pb.AuditEntry]]:
    request = pb.ExportAuditEntriesRequest(filter=pb.AuditFilter(**fields))
    return [list(batch.entries) async for batch in service.audit.ExportAuditEntries(request)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"actions": ["session.create"]}, [5, 2, 1]),
        ({"actions": ["account.update", "category.update"]}, [4, 3]),
        ({"actor_id": EVA}, [5, 4, 3]),
        ({"target": ANA}, [3, 2]),
        ({"outcome": "refused"}, [2]),
        ({"since": at(1), "until": at(3)}, [3, 2]),
        ({"actions": ["session.create"], "actor_id": ANA}, [1]),
    ],
    ids=str,
)
async def test_entries_are_found_newest_first(service: Service, filters: dict[str, Any], found: list[int]) -> None:
    assert await listed(service, **filters) == found


async def test_entries_come_page_by_page(service: Service) -> None:
    request = pb.ListAuditEntriesRequest(page_size=2)
    pages = []
    while True:
        page = await service.audit.ListAuditEntries(request)
        pages.append([entry.number for entry in page.entries])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert pages == [[5, 4], [3, 2], [1]]
    request.filter.outcome = "ok"
    with pytest.raises(errors.InvalidArgument) as refused:
        await service.audit.ListAuditEntries(request)
    assert refused.value.reason == "BAD_PAGE_TOKEN"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor_id", "me"),
        ("outcome", "bad"),
        ("since", Timestamp(seconds=1 << 60)),
        ("until", Timestamp(seconds=-(1 << 60))),
    ],
)
async def test_wrong_filter_is_named(service: Service, field: str, value: Any) -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        await listed(service, **{field: value})
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_export_holds_everything_and_is_itself_recorded(service: Service) -> None:
    await service.sql(
        "insert into audit (action, outcome) select 'session.create', 'ok' from generate_series(1, $1)", 2 * BATCH
    )
    batches = await exported(service, actions=["session.create"])
    numbers = [entry.number for batch in batches for entry in batch]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 2 * BATCH + 3
    (entry,) = await service.sql("select * from audit where action = 'audit.export'")
    assert (str(entry["actor_id"]), entry["detail"]) == (EVA, '{"actions": ["session.create"]}')


async def test_export_of_nothing_is_empty(service: Service) -> None:
    assert await exported(service, target="nothing") == [[]]


@pytest.mark.parametrize("role", ["anonymous", "user", "support"])
async def test_only_admins_read_the_log(service: Service, role: context.Role) -> None:
    act_as(role, ANA)
    with pytest.raises(errors.PermissionDenied):
        await listed(service)
    with pytest.raises(errors.PermissionDenied):
        await exported(service)


async def test_every_call_with_a_debug_token_is_recorded(service: Service) -> None:
    token = Secret(mint_debug_token(DEBUG_KEY))
    async with dial(f"127.0.0.1:{service.port}", token, timeout=5) as channel:
        list_inquiries: Any = channel.unary_unary("/pok.inquiry.v1.InquiryService/ListInquiries")
        await list_inquiries(inquiry_pb2.ListInquiriesRequest().SerializeToString(), timeout=5)
        delete: Any = channel.unary_unary("/pok.inquiry.v1.InquiryService/DeleteInquiry")
        with pytest.raises(errors.PermissionDenied):
            await delete(b"", timeout=5)
    entries = await service.sql("select target, request_id from audit where action = 'debug_token.use'")
    assert [entry["target"] for entry in entries] == ["/pok.inquiry.v1.InquiryService/ListInquiries"]
    assert entries[0]["request_id"]
