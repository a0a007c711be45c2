"""The private link opens one inquiry for its customer, who writes with it; it can be revoked, and tells no notes."""

import asyncio
from typing import Any

import msgspec
import pytest
from pok.inquiry.v1 import conversation_pb2, inquiry_pb2, tracking_pb2

from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.support.inquiry import Service, act_as

CANARY = "kanarienvogel"
CUSTOMER = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
SOMEBODY_ELSE = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e60"

Link = tuple[str, str, str]
"""Id, reference and token of an inquiry."""


async def sent(service: Service, **fields: Any) -> Link:
    """The link of an inquiry that somebody without an account has sent, who is the caller from here on."""
    act_as("anonymous")
    created = await service.create(**fields)
    return created.inquiry.id, created.inquiry.reference, created.tracking_token


async def opened(service: Service, reference: str, token: str) -> tracking_pb2.GetTrackedInquiryResponse:
    request = tracking_pb2.GetTrackedInquiryRequest(reference=reference, tracking_token=token)
    return await service.tracking.GetTrackedInquiry(request)


async def write(
    service: Service, reference: str, token: str, text: str = "¿Hola?", request_id: str = ""
) -> tracking_pb2.CreateTrackedMessageResponse:
    request = tracking_pb2.CreateTrackedMessageRequest(
        reference=reference, tracking_token=token, text=text, request_id=request_id
    )
    return await service.tracking.CreateTrackedMessage(request)


async def revoke(service: Service, inquiry_id: str) -> str:
    request = tracking_pb2.RevokeTrackingRequest(inquiry_id=inquiry_id)
    return (await service.tracking.RevokeTracking(request)).tracking_token


async def test_link_shows_the_customers_view_and_what_was_answered(service: Service) -> None:
    inquiry_id, reference, token = await sent(service)
    act_as("support", await service.account(name="Eva"))
    await service.complete(await service.must_claim(inquiry_id))
    await service.write(inquiry_id, "note", "Ojo")
    await service.write(inquiry_id, "reply", "Lo miramos.")
    act_as("anonymous")
    shown = await opened(service, reference.lower(), token)
    assert [(m.number, m.author_name, m.text, m.author_id) for m in shown.messages] == [
        (1, "Ana Ruiz", "Me han cobrado dos veces el pedido A-10023.", ""),
        (2, "Eva", "Lo miramos.", ""),
    ]
    assert (shown.inquiry.reference, shown.inquiry.customer_email) == (reference, "ana@example.com")
    assert {field.name for field, _ in shown.inquiry.ListFields()} == {
        *("id", "reference", "customer_name", "customer_email", "subject", "message", "snippet", "status", "category"),
        *("create_time", "update_time"),
    }


async def test_customer_writes_with_the_link(service: Service) -> None:
    inquiry_id, reference, token = await sent(service)
    act_as("support")
    await service.complete(await service.must_claim(inquiry_id))
    await service.write(inquiry_id, "note")
    await service.write(inquiry_id, "reply")
    act_as("anonymous")
    written = await write(service, reference, token, "Gracias 🦊")
    assert (written.message.number, written.message.kind, written.message.channel) == (
        3,
        conversation_pb2.MESSAGE_KIND_FOLLOW_UP,
        "tracking",
    )
    event = (await service.events(inquiry_id))[-1]
    assert (event["kind"], event["actor"], event["actor_id"]) == ("message_created", "customer", None)
    assert len((await service.must_claim(inquiry_id)).request.conversation) == 3
    act_as("support")
    assert (await service.get(inquiry_id)).status == inquiry_pb2.INQUIRY_STATUS_OPEN


async def test_retry_with_the_same_key_stores_one_message_and_keys_of_inquiries_do_not_meet(service: Service) -> None:
    (_, reference, token), (_, other, other_token) = await sent(service), await sent(service)
    answers = await asyncio.gather(*(write(service, reference, token, "Sí.", "k") for _ in range(5)))
    assert [answer.replayed for answer in answers].count(False) == 1
    assert not (await write(service, other, other_token, "No.", "k")).replayed
    with pytest.raises(errors.Aborted):
        await write(service, reference, token, "No.", "k")


@pytest.mark.parametrize("call", [opened, write])
async def test_wrong_token_and_wrong_reference_are_the_same_to_see(service: Service, call: Any) -> None:
    _, reference, token = await sent(service)
    _, other, _ = await sent(service)
    wrong = [
        (reference, ""),
        (reference, "x" * 43),
        (reference, token[:-1]),
        (reference, token + "A"),
        (reference, "ñ" * 5000),
        (other, token),
        ("POK-99999999", token),
        ("POK-0", token),
        (f"POK-{'9' * 18}", token),
        (f"POK-{'9' * 40}", token),
        ("", token),
        ("' or 1=1 --", token),
    ]
    told = set()
    for attempt in wrong:
        with pytest.raises(errors.NotFound) as refused:
            await call(service, *attempt)
        told.add((refused.value.message, refused.value.reason, tuple(refused.value.violations)))
    assert len(told) == 1
    assert len(await service.sql("select 1 from message")) == 2


async def test_revoked_link_opens_nothing_and_the_new_one_does(service: Service) -> None:
    inquiry_id, reference, token = await sent(service)
    act_as("support", CUSTOMER)
    new = await revoke(service, inquiry_id)
    event = (await service.events(inquiry_id))[-1]
    assert (event["kind"], str(event["actor_id"])) == ("tracking_revoked", CUSTOMER)
    assert msgspec.json.decode(event["body"]) == {"changes": {"tracking_version": [1, 2]}}
    act_as("anonymous")
    for call in (opened, write):
        with pytest.raises(errors.NotFound):
            await call(service, reference, token)
    assert (await opened(service, reference, new)).inquiry.id == inquiry_id


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_revoke_links(service: Service, role: Role) -> None:
    inquiry_id, _, _ = await sent(service)
    act_as(role, CUSTOMER)
    with pytest.raises(errors.PermissionDenied):
        await revoke(service, inquiry_id)
    act_as("support")
    with pytest.raises(errors.NotFound):
        await revoke(service, CUSTOMER)


async def test_customer_who_opens_the_link_signed_in_has_the_inquiry_from_then_on(service: Service) -> None:
    inquiry_id, *link = await sent(service)
    act_as("user", CUSTOMER)
    assert (await service.inquiries.ListInquiries(inquiry_pb2.ListInquiriesRequest())).total == 0
    await asyncio.gather(*(opened(service, *link) for _ in range(5)))
    assert (await service.inquiries.ListInquiries(inquiry_pb2.ListInquiriesRequest())).total == 1
    await service.write(inquiry_id, "follow_up")
    adopted = [event for event in await service.events(inquiry_id) if event["kind"] == "inquiry_adopted"]
    assert [(event["actor"], str(event["actor_id"]), event["version"]) for event in adopted] == [
        ("customer", CUSTOMER, 2)
    ]


@pytest.mark.parametrize(("role", "account"), [("user", SOMEBODY_ELSE), ("support", CUSTOMER), ("admin", CUSTOMER)])
async def test_nobody_else_who_opens_the_link_takes_the_inquiry(service: Service, role: Role, account: str) -> None:
    act_as("user", CUSTOMER)
    created = await service.create()
    _, *anonymous = await sent(service)
    act_as(role, account)
    await opened(service, created.inquiry.reference, created.tracking_token)
    if role != "user":
        await opened(service, *anonymous)
    assert await service.sql("select 1 from event where kind = 'inquiry_adopted'") == []


async def test_staff_do_not_write_as_the_customer(service: Service) -> None:
    _, *link = await sent(service)
    act_as("support", CUSTOMER)
    with pytest.raises(errors.PermissionDenied):
        await write(service, *link)


async def test_newest_messages_of_a_long_conversation_are_shown_with_their_numbers(service: Service) -> None:
    inquiry_id, *link = await sent(service)
    await service.sql(
        """insert into message (inquiry_id, number, author, kind, body)
        select $1, number, 'agent', case when number % 2 = 0 then 'note' else 'reply' end, 'x'
        from generate_series(2, 1203) number""",
        inquiry_id,
    )
    shown = (await opened(service, *link)).messages
    assert [m.number for m in shown] == list(range(103, 603))


async def test_note_reaches_no_answer_that_customers_get(service: Service) -> None:
    act_as("user", CUSTOMER)
    created = await service.create()
    inquiry_id, reference, token = created.inquiry.id, created.inquiry.reference, created.tracking_token
    act_as("support", await service.account())
    await service.complete(await service.must_claim(inquiry_id), draft="d")
    await service.write(inquiry_id, "note", CANARY)
    await service.write(inquiry_id, "reply", "r")
    answers: list[Any] = []
    for role, account in (("anonymous", ""), ("user", SOMEBODY_ELSE), ("user", CUSTOMER)):
        act_as(role, account)  # type: ignore[arg-type]
        answers += [
            await service.get(inquiry_id),
            await opened(service, reference, token),
            await write(service, reference, token),
        ]
        for query in ("", CANARY, reference):
            request = inquiry_pb2.ListInquiriesRequest(filter=inquiry_pb2.InquiryFilter(query=query))
            answers.append(await service.inquiries.ListInquiries(request))
            assert query != CANARY or answers[-1].total == 0
        for refused in (
            service.inquiries.ListEvents(inquiry_pb2.ListEventsRequest(inquiry_id=inquiry_id)),
            service.conversation.GetDraft(conversation_pb2.GetDraftRequest(inquiry_id=inquiry_id)),
        ):
            with pytest.raises(errors.PermissionDenied):
                await refused
    answers += [
        await service.conversation.ListMessages(conversation_pb2.ListMessagesRequest(inquiry_id=inquiry_id)),
        await service.write(inquiry_id, "follow_up"),
    ]
    assert all(CANARY not in str(answer) for answer in answers)
    assert "reply" not in str(answers[1].inquiry)
    assert [m.number for m in answers[-2].messages] == list(range(1, 6))
