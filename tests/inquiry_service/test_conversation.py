"""The conversation: in order, each with what follows from it; notes stay inside, and a follow-up is analysed."""

import asyncio
import uuid
from typing import Any

import msgspec
import pytest
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import conversation_pb2, inquiry_pb2, triage_pb2
from redis.asyncio import Redis

from runtime import doorbell
from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.inquiry_service.test_editing import STATUS, update
from tests.inquiry_service.test_triage import fail
from tests.support.inquiry import Service, act_as

REPLY, NOTE, FOLLOW_UP = (
    conversation_pb2.MESSAGE_KIND_REPLY,
    conversation_pb2.MESSAGE_KIND_NOTE,
    conversation_pb2.MESSAGE_KIND_FOLLOW_UP,
)
CUSTOMER = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"
SOMEBODY_ELSE = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e60"


async def listed(service: Service, inquiry_id: str, **fields: Any) -> list[conversation_pb2.Message]:
    request = conversation_pb2.ListMessagesRequest(inquiry_id=inquiry_id, **fields)
    return list((await service.conversation.ListMessages(request)).messages)


async def of_customer(service: Service, **fields: Any) -> str:
    """An inquiry of the registered customer; the test goes on as support."""
    act_as("user", CUSTOMER)
    inquiry_id = (await service.create(**fields)).inquiry.id
    act_as("support")
    return inquiry_id


async def follow_up(service: Service, inquiry_id: str, text: str = "¿Hola?", **fields: Any) -> None:
    act_as("user", CUSTOMER)
    await service.write(inquiry_id, "follow_up", text, **fields)
    act_as("support")


async def status(service: Service, inquiry_id: str) -> str:
    [row] = await service.sql("select status from inquiry where id = $1", inquiry_id)
    return str(row["status"])


async def last_event(service: Service, inquiry_id: str, kind: str = "message_created") -> dict[str, Any]:
    bodies = [event["body"] for event in await service.events(inquiry_id) if event["kind"] == kind]
    body: dict[str, Any] = msgspec.json.decode(bodies[-1])
    return body


async def test_conversation_is_in_order_with_author_and_channel(service: Service) -> None:
    inquiry_id = await of_customer(service)
    eva = await service.account(name="Eva")
    act_as("support", eva)
    await service.write(inquiry_id, "note", "Cliente difícil")
    await service.write(inquiry_id, "reply", "Lo miramos. 🦊")
    await follow_up(service, inquiry_id, "Gracias, ¿y ahora?")
    seen = await listed(service, inquiry_id)
    assert [(m.number, m.kind, m.author_name, m.channel) for m in seen] == [
        (1, conversation_pb2.MESSAGE_KIND_MESSAGE, "Ana Ruiz", "web"),
        (2, NOTE, "Eva", "desk"),
        (3, REPLY, "Eva", "desk"),
        (4, FOLLOW_UP, "Ana Ruiz", "web"),
    ]
    assert [m.author_id for m in seen] == [CUSTOMER, eva, eva, CUSTOMER]
    assert seen[2].text == "Lo miramos. 🦊"


async def test_customer_sees_neither_notes_nor_gaps_nor_ids(service: Service) -> None:
    inquiry_id = await of_customer(service)
    act_as("support", await service.account(name="Eva"))
    for kind in ("note", "reply", "note", "note"):
        await service.write(inquiry_id, kind)
    act_as("user", CUSTOMER)
    written = (await service.write(inquiry_id, "follow_up")).message
    assert (written.number, written.author_id) == (3, "")
    seen = await listed(service, inquiry_id)
    assert [(m.number, m.author_name, m.author_id) for m in seen] == [
        (1, "Ana Ruiz", ""),
        (2, "Eva", ""),
        (3, "Ana Ruiz", ""),
    ]


async def test_note_changes_nothing_that_customers_see(service: Service) -> None:
    inquiry_id = await of_customer(service)
    act_as("user", CUSTOMER)
    before = await service.get(inquiry_id), await listed(service, inquiry_id)
    act_as("support")
    version = (await service.get(inquiry_id)).version
    await service.write(inquiry_id, "note")
    assert (await service.get(inquiry_id)).version == version + 1
    act_as("user", CUSTOMER)
    assert (await service.get(inquiry_id), await listed(service, inquiry_id)) == before


@pytest.mark.parametrize("customer", [False, True])
async def test_pages_follow_each_other_and_their_tokens_tell_no_notes(service: Service, customer: bool) -> None:
    inquiry_id = await of_customer(service)
    for number in range(6):
        await service.write(inquiry_id, "note" if number % 2 else "reply", str(number))
    if customer:
        act_as("user", CUSTOMER)
    numbers, token, tokens = [], "", set()
    while True:
        request = conversation_pb2.ListMessagesRequest(inquiry_id=inquiry_id, page_size=2, page_token=token)
        page = await service.conversation.ListMessages(request)
        numbers += [m.number for m in page.messages]
        token = page.next_page_token
        if not token:
            break
        tokens.add(token[:5])
    assert numbers == list(range(1, 5 if customer else 8))
    if customer:
        with pytest.raises(errors.InvalidArgument):
            act_as("support")
            await listed(service, inquiry_id, page_token=next(iter(tokens)))


async def test_page_of_long_messages_ends_before_a_call_is_too_large(service: Service) -> None:
    inquiry_id = await of_customer(service, message="🦊" * 20_000)
    await service.sql(
        """insert into message (inquiry_id, number, author, kind, body)
        select $1, number, 'agent', 'reply', repeat('🦊', 20000) from generate_series(2, 99) number""",
        inquiry_id,
    )
    page = await service.conversation.ListMessages(conversation_pb2.ListMessagesRequest(inquiry_id=inquiry_id))
    assert (len(page.messages), bool(page.next_page_token)) == (25, True)
    claim = await service.must_claim(inquiry_id)
    assert len(claim.request.conversation) == 1  # its revision
    await service.complete(claim)
    await follow_up(service, inquiry_id)
    conversation = (await service.must_claim(inquiry_id)).request.conversation
    assert [len(turn.text) for turn in conversation] == [20_000] * 10 + [6]
    assert conversation[0].author == analysis_pb2.AUTHOR_CUSTOMER


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        *(("new", "", "pending"), ("open", "", "pending"), ("pending", "", "pending"), ("resolved", "", "resolved")),
        *(("closed", "", "closed"), ("spam", "", "spam"), ("new", "resolved", "resolved"), ("pending", "open", "open")),
    ],
)
async def test_reply_moves_the_status_on(service: Service, before: str, given: str, after: str) -> None:
    inquiry_id = await of_customer(service)
    await service.sql("update inquiry set status = $1", before)
    await service.write(inquiry_id, "reply", status=STATUS.get(given))
    assert await status(service, inquiry_id) == after
    body = await last_event(service, inquiry_id)
    assert body.get("changes", {}) == ({"status": [before, after]} if before != after else {})


async def test_reply_with_an_illegal_status_is_refused_and_leaves_nothing(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await update(service, inquiry_id, status=STATUS["closed"])
    with pytest.raises(errors.FailedPrecondition) as refused:
        await service.write(inquiry_id, "reply", status=STATUS["resolved"])
    assert (refused.value.reason, refused.value.metadata["legal"]) == ("ILLEGAL_TRANSITION", "open")
    assert len(await listed(service, inquiry_id)) == 1


async def test_first_response_is_told_once_and_every_reply_waits_in_the_outbox(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await service.write(inquiry_id, "note")
    assert not (await service.get(inquiry_id)).HasField("first_response_time")
    await service.write(inquiry_id, "reply")
    assert (await last_event(service, inquiry_id))["first_response"] is True
    inquiry = await service.get(inquiry_id)
    first = inquiry.first_response_time
    assert first.ToNanoseconds() > inquiry.create_time.ToNanoseconds()
    await service.write(inquiry_id, "reply")
    assert (await last_event(service, inquiry_id))["first_response"] is False
    assert (await service.get(inquiry_id)).first_response_time == first
    waiting = await service.sql("select message_number, channel, state from outbox order by message_number")
    assert [tuple(row) for row in waiting] == [(3, "email", "pending"), (4, "email", "pending")]


async def test_resolve_time_is_that_of_the_last_resolving(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await service.write(inquiry_id, "reply", status=STATUS["resolved"])
    resolved = (await service.get(inquiry_id)).resolve_time
    assert resolved.seconds
    await service.write(inquiry_id, "note")
    assert (await service.get(inquiry_id)).resolve_time == resolved
    assert (await update(service, inquiry_id, status=STATUS["closed"])).resolve_time.ToNanoseconds() > (
        resolved.ToNanoseconds()
    )
    await follow_up(service, inquiry_id)
    assert not (await service.get(inquiry_id)).HasField("resolve_time")


@pytest.mark.parametrize(
    ("before", "after"),
    [("new", "new"), ("open", "open"), ("pending", "open"), ("resolved", "open"), ("closed", "open"), ("spam", "spam")],
)
async def test_follow_up_reopens_what_was_not_spam(service: Service, before: str, after: str) -> None:
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id))
    await service.sql("update inquiry set status = $1", before)
    await follow_up(service, inquiry_id)
    assert await status(service, inquiry_id) == after
    claim = await service.claim(inquiry_id)
    assert (claim is None) == (before == "spam")


@pytest.mark.parametrize("column", ["resolve_time", "update_time"])
async def test_closed_inquiry_reopens_for_thirty_days(service: Service, column: str) -> None:
    inquiry_id = await of_customer(service)
    await update(service, inquiry_id, status=STATUS["closed"])
    await service.sql("update inquiry set resolve_time = null")  # as of those from before there was one
    await service.sql(f"update inquiry set {column} = now() - interval '31 days'")
    with pytest.raises(errors.FailedPrecondition) as refused:
        await follow_up(service, inquiry_id)
    assert refused.value.reason == "CLOSED_FOR_GOOD"
    assert await service.sql("select 1 from message where number = 2") == []
    await service.sql(f"update inquiry set {column} = now() - interval '29 days'")
    await follow_up(service, inquiry_id)
    assert await status(service, inquiry_id) == "open"


async def test_follow_up_is_analysed_with_the_whole_conversation_and_without_notes(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id))
    await service.write(inquiry_id, "note", "Ojo con este")
    await service.write(inquiry_id, "reply", "¿Qué pedido?")
    await follow_up(service, inquiry_id, "El A-1.")
    inquiry = await service.get(inquiry_id)
    assert (inquiry.triage_state, inquiry.status) == (inquiry_pb2.TRIAGE_STATE_QUEUED, STATUS["open"])
    assert (await last_event(service, inquiry_id))["changes"] == {
        "status": ["pending", "open"],
        "triage_state": ["done", "queued"],
    }
    claim = await service.must_claim(inquiry_id)
    assert [(turn.author, turn.text) for turn in claim.request.conversation] == [
        (analysis_pb2.AUTHOR_CUSTOMER, "Me han cobrado dos veces el pedido A-10023."),
        (analysis_pb2.AUTHOR_AGENT, "¿Qué pedido?"),
        (analysis_pb2.AUTHOR_CUSTOMER, "El A-1."),
    ]


async def test_follow_up_during_an_analysis_supersedes_its_result_and_runs_again(service: Service) -> None:
    inquiry_id = await of_customer(service)
    running = await service.must_claim(inquiry_id)
    await follow_up(service, inquiry_id, "Además, falta una pieza.")
    assert (await service.get(inquiry_id)).triage_state == inquiry_pb2.TRIAGE_STATE_RUNNING
    assert await service.claim(inquiry_id) is None
    assert not await service.complete(running, draft="Out of date.")
    assert (await service.get(inquiry_id)).suggested_reply == ""
    again = await service.must_claim(inquiry_id)
    assert [turn.text for turn in again.request.conversation][1:] == ["Además, falta una pieza."]
    assert await service.complete(again)
    runs = await service.sql("select revision, outcome from ai_run order by claim")
    assert [tuple(run) for run in runs] == [(1, "superseded"), (2, "applied")]


async def test_follow_up_rings_the_doorbell(service: Service, redis_url: str) -> None:
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id))
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
        await follow_up(service, inquiry_id)
        answer: Any = await redis.xread({doorbell.STREAM: "0"}, block=5000)
    [[_, entries]] = answer
    assert inquiry_id.encode() in entries[0][1][b"data"]


async def test_follow_up_after_the_last_failure_is_analysed(service: Service) -> None:
    inquiry_id = await of_customer(service)
    running = await service.must_claim(inquiry_id)
    await follow_up(service, inquiry_id)
    assert await fail(service, running, triage_pb2.FAILURE_KIND_INVALID)  # of what is out of date
    assert not await fail(service, await service.must_claim(inquiry_id), triage_pb2.FAILURE_KIND_INVALID)
    await follow_up(service, inquiry_id)
    assert await service.complete(await service.must_claim(inquiry_id))


async def test_writers_at_once_get_numbers_in_a_row(service: Service) -> None:
    inquiry_id = await of_customer(service)
    claim = await service.must_claim(inquiry_id)
    kinds = ["reply", "note"] * 10
    written = await asyncio.gather(
        service.complete(claim),
        *(service.write(inquiry_id, kind) for kind in kinds),
        *(update(service, inquiry_id, add_tags=[f"t{number}"]) for number in range(5)),
    )
    assert written[0] is True
    assert [m.number for m in await listed(service, inquiry_id)] == list(range(1, 22))
    versions = [event["version"] for event in await service.events(inquiry_id)]
    assert (await service.get(inquiry_id)).version == max(versions)


async def test_follow_ups_and_workers_at_once_never_block_each_other(service: Service) -> None:
    async def worked(inquiry_id: str) -> None:
        for _ in range(10):
            claim = await service.claim(inquiry_id)
            if claim:
                await service.complete(claim)

    act_as("user", CUSTOMER)
    inquiry_id = (await service.create()).inquiry.id
    await asyncio.gather(
        *(worked(inquiry_id) for _ in range(3)), *(service.write(inquiry_id, "follow_up") for _ in range(20))
    )
    if claim := await service.claim(inquiry_id):
        assert await service.complete(claim)
    [job] = await service.sql("select state, requested_revision, claimed_revision from triage_job")
    assert (job["state"], job["claimed_revision"]) == ("idle", job["requested_revision"])


async def test_retry_with_the_same_key_stores_one_message(service: Service) -> None:
    inquiry_id = await of_customer(service)
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(service.write(inquiry_id, "reply", "Sí.", request_id=key) for _ in range(10)))
    assert [answer.replayed for answer in answers].count(False) == 1
    assert {answer.message.number for answer in answers} == {2}
    assert len(await listed(service, inquiry_id)) == 2
    for other in ({"text": "No."}, {"kind": "note"}):
        with pytest.raises(errors.Aborted) as refused:
            await service.write(inquiry_id, **{"kind": "reply", "text": "Sí.", "request_id": key, **other})
        assert refused.value.reason == "IDEMPOTENCY_CONFLICT"
    with pytest.raises(errors.Aborted):
        await service.write((await service.create()).inquiry.id, "reply", "Sí.", request_id=key)
    with pytest.raises(errors.Aborted):
        await service.create(request_id=key)


async def test_retry_of_a_reply_is_answered_whatever_came_after_it(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id))
    [draft] = await service.sql("select number from draft")
    reply = {"draft_number": draft["number"], "status": STATUS["closed"], "request_id": "once"}
    await service.write(inquiry_id, "reply", **reply)
    again = await service.write(inquiry_id, "reply", **reply)
    assert (again.replayed, again.message.number) == (True, 2)


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("reply", {"text": ""}, "text"),
        ("reply", {"text": "x" * 20_001}, "text"),
        ("note", {"text": "a\x00b"}, "text"),
        ("reply", {"request_id": "two words"}, "request_id"),
        ("note", {"draft_number": 1}, "draft_number"),
        ("note", {"status": STATUS["open"]}, "status"),
        ("reply", {"status": STATUS["new"]}, "status"),
        ("reply", {"draft_number": 7}, "draft_number"),
        ("message", {}, "kind"),
        ("unspecified", {}, "kind"),
    ],
)
async def test_wrong_field_is_named(service: Service, kind: str, fields: dict[str, Any], field: str) -> None:
    inquiry_id = await of_customer(service)
    with pytest.raises(errors.InvalidArgument) as refused:
        await service.write(inquiry_id, kind, **fields)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_longest_text_is_taken_as_it_is(service: Service) -> None:
    inquiry_id = await of_customer(service)
    text = "🦊ñ\n\t" * 5_000
    await service.write(inquiry_id, "note", text)
    assert (await listed(service, inquiry_id))[1].text == text


async def test_conversation_has_an_end(service: Service) -> None:
    inquiry_id = await of_customer(service)
    await service.sql(
        """insert into message (inquiry_id, number, author, kind, body)
        select $1, number, 'customer', 'follow_up', 'x' from generate_series(2, 1000) number""",
        inquiry_id,
    )
    with pytest.raises(errors.FailedPrecondition) as refused:
        await follow_up(service, inquiry_id)
    assert refused.value.reason == "CONVERSATION_FULL"


@pytest.mark.parametrize(
    ("role", "account", "kind", "error"),
    [
        ("anonymous", "", "follow_up", errors.PermissionDenied),
        ("user", SOMEBODY_ELSE, "follow_up", errors.NotFound),
        ("user", SOMEBODY_ELSE, "reply", errors.NotFound),
        ("user", CUSTOMER, "reply", errors.PermissionDenied),
        ("user", CUSTOMER, "note", errors.PermissionDenied),
        ("support", "", "follow_up", errors.PermissionDenied),
        ("admin", "", "follow_up", errors.PermissionDenied),
    ],
)
async def test_nobody_writes_what_is_not_theirs_to_write(
    service: Service, role: Role, account: str, kind: str, error: type[errors.RpcError]
) -> None:
    inquiry_id = await of_customer(service)
    act_as(role, account)
    with pytest.raises(error):
        await service.write(inquiry_id, kind)
    if error is errors.NotFound or role == "anonymous":
        with pytest.raises(error):
            await listed(service, inquiry_id)


async def test_unknown_inquiry_has_no_conversation(service: Service) -> None:
    for call in (listed(service, CUSTOMER), service.write(CUSTOMER, "note"), listed(service, "x")):
        with pytest.raises(errors.NotFound):
            await call


async def test_no_text_of_a_conversation_reaches_the_event_log(service: Service) -> None:
    canary = "kanarienvogel"
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id), draft=canary)
    for kind in ("note", "reply"):
        await service.write(inquiry_id, kind, canary)
    await follow_up(service, inquiry_id, canary, request_id=canary)
    assert await service.sql("select 1 from event where event::text like '%kanarienvogel%'") == []
