"""A change of many inquiries is a change of each: what is refused for one stops no other, and everyone is told."""

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import inquiry_pb2

from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.support.inquiry import Service, act_as

RESOLVED, CLOSED = inquiry_pb2.INQUIRY_STATUS_RESOLVED, inquiry_pb2.INQUIRY_STATUS_CLOSED


async def update(
    service: Service, ids: Iterable[str], *, add_tags: Iterable[str] = (), **fields: Any
) -> list[inquiry_pb2.BatchUpdateResult]:
    response = await service.inquiries.BatchUpdateInquiries(
        inquiry_pb2.BatchUpdateInquiriesRequest(
            ids=ids,
            inquiry=inquiry_pb2.Inquiry(**fields),
            update_mask=FieldMask(paths=list(fields)),
            add_tags=add_tags,
        )
    )
    return list(response.results)


async def test_each_is_changed_on_its_own_and_answered_in_order(service: Service) -> None:
    ids = [(await service.create()).inquiry.id for _ in range(3)]
    await update(service, [ids[1]], status=CLOSED)
    unknown = str(uuid.uuid4())
    results = await update(service, [ids[2], unknown, ids[1], ids[0], "nonsense"], status=RESOLVED, add_tags=["vip"])
    assert [(result.id, result.reason) for result in results] == [
        (ids[2], ""),
        (unknown, "NOT_FOUND"),
        (ids[1], "ILLEGAL_TRANSITION"),
        (ids[0], ""),
        ("nonsense", "NOT_FOUND"),
    ]
    assert [bool(result.message) for result in results] == [False, True, True, False, True]
    assert [result.version for result in results] == [2, 0, 0, 2, 0]
    changed = [await service.get(inquiry_id) for inquiry_id in ids]
    assert [inquiry.status for inquiry in changed] == [RESOLVED, CLOSED, RESOLVED]
    assert [list(inquiry.tags) for inquiry in changed] == [["vip"], [], ["vip"]]


async def test_every_event_says_that_it_was_one_of_many(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await update(service, [inquiry_id], category="security_fraud", priority=analysis_pb2.PRIORITY_HIGH)
    body = msgspec.json.decode((await service.events(inquiry_id))[-1]["body"])
    assert body["bulk"] is True
    assert body["changes"]["category"] == [None, "security_fraud"]


async def test_what_is_as_it_is_wanted_stays_without_an_event(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for _ in range(2):
        [result] = await update(service, [inquiry_id], status=RESOLVED)
    assert (result.version, result.reason) == (2, "")
    assert len(await service.events(inquiry_id)) == 2


@pytest.mark.parametrize(
    ("ids", "fields", "field"),
    [
        ([], {"status": RESOLVED}, "ids"),
        ([str(uuid.UUID(int=number)) for number in range(101)], {"status": RESOLVED}, "ids"),
        ([str(uuid.UUID(int=10)), str(uuid.UUID(int=10)).upper()], {"status": RESOLVED}, "ids"),
        ([str(uuid.UUID(int=1))], {}, ""),
        ([str(uuid.UUID(int=1))], {"status": inquiry_pb2.INQUIRY_STATUS_NEW}, "status"),
        ([str(uuid.UUID(int=1))], {"sentiment": analysis_pb2.SENTIMENT_NEUTRAL}, "update_mask"),
    ],
)
async def test_wrong_request_is_refused_as_a_whole(
    service: Service, ids: list[str], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        await update(service, ids, **fields)
    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_may_change_many(service: Service, role: Role) -> None:
    inquiry_id = (await service.create()).inquiry.id
    act_as(role, str(uuid.uuid4()) if role == "user" else "")
    with pytest.raises(errors.PermissionDenied):
        await update(service, [inquiry_id], status=RESOLVED)
