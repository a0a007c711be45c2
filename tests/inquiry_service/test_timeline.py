"""Staff read what happened to an inquiry, in order."""

import json

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.inquiry.v1 import inquiry_pb2 as pb

from runtime.rpc import context, errors
from tests.support.inquiry import Service, act_as

SOMEBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"


async def worked(service: Service) -> str:
    """An inquiry with four events."""
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id))
    act_as("support", SOMEBODY)
    await service.inquiries.UpdateInquiry(
        pb.UpdateInquiryRequest(
            id=inquiry_id,
            inquiry=pb.Inquiry(status=pb.INQUIRY_STATUS_OPEN),
            update_mask=FieldMask(paths=["status"]),
        )
    )
    return inquiry_id


async def test_events_are_listed_oldest_first_with_who_and_what(service: Service) -> None:
    inquiry_id = await worked(service)
    events = (await service.inquiries.ListEvents(pb.ListEventsRequest(inquiry_id=inquiry_id))).events
    assert [(event.version, event.kind, event.actor) for event in events] == [
        (1, "inquiry_created", pb.ACTOR_AGENT),
        (2, "triage_started", pb.ACTOR_SYSTEM),
        (3, "triage_completed", pb.ACTOR_AI),
        (4, "inquiry_updated", pb.ACTOR_AGENT),
    ]
    assert events[3].actor_id == SOMEBODY
    assert json.loads(events[3].body_json) == {"changes": {"status": ["new", "open"]}}


async def test_events_come_page_by_page(service: Service) -> None:
    request = pb.ListEventsRequest(inquiry_id=await worked(service), page_size=3)
    first = await service.inquiries.ListEvents(request)
    request.page_token = first.next_page_token
    second = await service.inquiries.ListEvents(request)
    assert [event.version for event in (*first.events, *second.events)] == [1, 2, 3, 4]
    assert second.next_page_token == ""
    request.inquiry_id = await worked(service)
    with pytest.raises(errors.InvalidArgument):
        await service.inquiries.ListEvents(request)


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_reads_events(service: Service, role: context.Role) -> None:
    request = pb.ListEventsRequest(inquiry_id=await worked(service))
    act_as(role, SOMEBODY)
    with pytest.raises(errors.PermissionDenied):
        await service.inquiries.ListEvents(request)


@pytest.mark.parametrize("inquiry_id", [SOMEBODY, "nothing"])
async def test_events_of_no_inquiry_are_not_found(service: Service, inquiry_id: str) -> None:
    with pytest.raises(errors.NotFound):
        await service.inquiries.ListEvents(pb.ListEventsRequest(inquiry_id=inquiry_id))
