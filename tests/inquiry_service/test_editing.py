"""A person's word wins over the machine's, merges where it can, and every change leaves an event."""

import asyncio
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2, inquiry_pb2

from runtime.rpc import errors
from tests.support.inquiry import Service, act_as

STATUS = {
    "new": inquiry_pb2.INQUIRY_STATUS_NEW,
    "open": inquiry_pb2.INQUIRY_STATUS_OPEN,
    "pending": inquiry_pb2.INQUIRY_STATUS_PENDING,
    "resolved": inquiry_pb2.INQUIRY_STATUS_RESOLVED,
    "closed": inquiry_pb2.INQUIRY_STATUS_CLOSED,
    "spam": inquiry_pb2.INQUIRY_STATUS_SPAM,
}


async def update(service: Service, inquiry_id: str, **fields: Any) -> inquiry_pb2.Inquiry:
    """Change fields; add_tags, remove_tags and if_version belong to the request itself."""
    own: dict[str, Any] = {
        name: fields.pop(name) for name in ("add_tags", "remove_tags", "if_version") if name in fields
    }
    response = await service.inquiries.UpdateInquiry(
        inquiry_pb2.UpdateInquiryRequest(
            id=inquiry_id, inquiry=inquiry_pb2.Inquiry(**fields), update_mask=FieldMask(paths=list(fields)), **own
        )
    )
    return response.inquiry


async def agent(service: Service, role: str = "support") -> str:
    [row] = await service.sql(
        "insert into account (email, name, password_hash, role) values ($1, 'Eva', '', $2) returning id",
        f"{role}@example.com",
        role,
    )
    return str(row["id"])


async def test_triage_never_overwrites_what_a_person_has_set(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    claim = await service.must_claim(inquiry_id)
    await update(service, inquiry_id, category="security_fraud", sentiment=analysis_pb2.SENTIMENT_NEUTRAL)
    assert await service.complete(claim, category="billing_payment", confidence=0.99)
    inquiry = await service.get(inquiry_id)
    assert (inquiry.category, inquiry.sentiment) == ("security_fraud", analysis_pb2.SENTIMENT_NEUTRAL)
    assert inquiry.priority == analysis_pb2.PRIORITY_HIGH
    assert inquiry.triage_state == inquiry_pb2.TRIAGE_STATE_DONE
    [run] = await service.sql("select record from ai_run where inquiry_id = $1", inquiry_id)
    assert msgspec.json.decode(run["record"])["categories"][0]["category"] == "billing_payment"


async def test_setting_the_category_ends_the_review(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id), confidence=0.2)
    waiting = await service.get(inquiry_id)
    assert (waiting.category, waiting.suggested_category) == ("", "billing_payment")
    assert [(score.category, round(score.confidence, 3)) for score in waiting.alternatives] == [
        ("returns_refunds", 0.4)
    ]
    assert waiting.triage_state == inquiry_pb2.TRIAGE_STATE_NEEDS_REVIEW
    confirmed = await update(service, inquiry_id, category="billing_payment")
    assert (confirmed.category, confirmed.suggested_category) == ("billing_payment", "")
    assert confirmed.triage_state == inquiry_pb2.TRIAGE_STATE_DONE


async def test_change_leaves_an_event_with_actor_before_and_after(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    account_id = await agent(service)
    act_as("support", account_id)
    await update(service, inquiry_id, status=STATUS["open"], assignee_id=account_id)
    event = (await service.events(inquiry_id))[-1]
    assert (event["kind"], event["actor"], str(event["actor_id"]), event["version"]) == (
        "inquiry_updated",
        "agent",
        account_id,
        2,
    )
    assert msgspec.json.decode(event["body"]) == {
        "changes": {"status": ["new", "open"], "assignee_id": [None, account_id]}
    }


async def test_setting_the_same_value_changes_nothing_and_writes_no_event(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    opened = await update(service, inquiry_id, status=STATUS["open"])
    again = await update(service, inquiry_id, status=STATUS["open"], remove_tags=["unknown"])
    assert again.version == opened.version
    assert len(await service.events(inquiry_id)) == 2


async def test_tags_merge_and_stay_out_of_the_event_log(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await asyncio.gather(*(update(service, inquiry_id, add_tags=[f"vip-{number}"]) for number in range(5)))
    inquiry = await update(service, inquiry_id, remove_tags=["vip-0"], add_tags=["ñandú"])
    assert list(inquiry.tags) == ["vip-1", "vip-2", "vip-3", "vip-4", "ñandú"]
    rows = await service.sql("select tag from inquiry_tag where inquiry_id = $1 order by tag", inquiry_id)
    assert [row["tag"] for row in rows] == list(inquiry.tags)
    assert all("vip" not in event["body"] for event in await service.events(inquiry_id))
    with pytest.raises(errors.InvalidArgument):
        await update(service, inquiry_id, add_tags=[f"t{number}" for number in range(20)])


async def test_stale_version_is_refused_only_for_fields_that_a_person_changed(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id))  # the machine's change refuses nobody
    opened = await update(service, inquiry_id, status=STATUS["open"], if_version=1)
    await update(service, inquiry_id, priority=analysis_pb2.PRIORITY_LOW, if_version=1)
    with pytest.raises(errors.FailedPrecondition) as caught:
        await update(service, inquiry_id, status=STATUS["resolved"], if_version=1)
    assert caught.value.reason == "VERSION_MISMATCH"
    assert caught.value.metadata["fields"] == "status"
    resolved = await update(service, inquiry_id, status=STATUS["resolved"], if_version=opened.version)
    assert resolved.status == STATUS["resolved"]


@pytest.mark.parametrize(
    ("path", "legal"),
    [
        (["open", "pending", "resolved", "open", "closed", "open", "spam", "open"], True),
        (["resolved", "closed", "resolved"], False),
        (["closed", "spam"], False),
        (["spam", "closed"], False),
    ],
)
async def test_status_moves_only_along_legal_transitions(service: Service, path: list[str], legal: bool) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for status in path[:-1]:
        await update(service, inquiry_id, status=STATUS[status])
    if legal:
        assert (await update(service, inquiry_id, status=STATUS[path[-1]])).status == STATUS[path[-1]]
        return
    with pytest.raises(errors.FailedPrecondition) as caught:
        await update(service, inquiry_id, status=STATUS[path[-1]])
    assert (caught.value.reason, caught.value.metadata["legal"]) == ("ILLEGAL_TRANSITION", "open")


async def test_category_that_is_taken_back_leaves_the_machines_choice_to_review(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id))
    await update(service, inquiry_id, category="security_fraud")
    back = await update(service, inquiry_id, category="")
    assert (back.category, back.suggested_category, list(back.human_fields)) == ("", "billing_payment", [])
    assert back.triage_state == inquiry_pb2.TRIAGE_STATE_NEEDS_REVIEW
    event = msgspec.json.decode((await service.events(inquiry_id))[-1]["body"])
    assert event == {
        "changes": {
            "category": ["security_fraud", None],
            "suggested_category": [None, "billing_payment"],
            "triage_state": ["done", "needs_review"],
        }
    }
    assert (await update(service, inquiry_id, category="")).version == back.version
    await service.decisions.RetriageInquiry(decisions_pb2.RetriageInquiryRequest(inquiry_id=inquiry_id))
    await service.complete(await service.must_claim(inquiry_id), category="technical_issue")
    assert (await service.get(inquiry_id)).category == "technical_issue"


async def test_category_of_what_was_never_analysed_can_be_taken_back_but_not_in_bulk(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await update(service, inquiry_id, category="security_fraud")
    request = inquiry_pb2.BatchUpdateInquiriesRequest(ids=[inquiry_id], update_mask=FieldMask(paths=["category"]))
    [refused] = (await service.inquiries.BatchUpdateInquiries(request)).results
    assert refused.reason == "INVALID_ARGUMENT"
    back = await update(service, inquiry_id, category="")
    assert (back.category, back.suggested_category) == ("", "")
    assert back.triage_state == inquiry_pb2.TRIAGE_STATE_QUEUED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"status": STATUS["new"]}, "status"),
        ({"status": 99}, "status"),
        ({"category": "unheard_of"}, "category"),
        ({"assignee_id": "nobody"}, "assignee_id"),
        ({"add_tags": [""]}, "tags"),
        ({"add_tags": ["x" * 51]}, "tags"),
        ({"customer_name": "Eve"}, "update_mask"),
        ({}, ""),
    ],
)
async def test_wrong_change_names_its_field(service: Service, fields: dict[str, Any], field: str) -> None:
    inquiry_id = (await service.create()).inquiry.id
    with pytest.raises(errors.InvalidArgument) as caught:
        await update(service, inquiry_id, **fields)
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_inquiries_are_assigned_to_active_staff_only(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    customer, support = await agent(service, "user"), await agent(service, "support")
    with pytest.raises(errors.InvalidArgument):
        await update(service, inquiry_id, assignee_id=customer)
    assert (await update(service, inquiry_id, assignee_id=support)).assignee_id == support
    assert (await update(service, inquiry_id, assignee_id="")).assignee_id == ""


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_may_change(service: Service, role: str) -> None:
    inquiry_id = (await service.create()).inquiry.id
    act_as(role, "0198a0e0-0000-7000-8000-000000000001" if role == "user" else "")  # type: ignore[arg-type]
    with pytest.raises(errors.PermissionDenied):
        await update(service, inquiry_id, status=STATUS["open"])
