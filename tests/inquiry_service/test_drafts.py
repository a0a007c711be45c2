"""One shared draft: moved only as is legal, ended by a reply, written anew by the AI to its end whoever listens."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from pok.ai.v1 import analysis_pb2 as ai
from pok.inquiry.v1 import conversation_pb2 as pb
from pok.inquiry.v1 import inquiry_pb2

from inquiry_service.domain.drafts import BY_PEOPLE
from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.inquiry_service.test_conversation import CUSTOMER, follow_up, last_event, of_customer
from tests.support.analysis_stub import AnalysisStub, drafted
from tests.support.inquiry import Service, act_as

PATIENCE = 15.0
DRAFT = "Hola, Ana: lo revisamos."


def state(name: str) -> pb.DraftState.ValueType:
    return pb.DraftState.Value(f"DRAFT_STATE_{name.upper()}")


async def analysed(service: Service, **fields: Any) -> str:
    """An inquiry with a draft that is ready."""
    inquiry_id = await of_customer(service)
    await service.complete(await service.must_claim(inquiry_id), **fields)
    return inquiry_id


async def current(service: Service, inquiry_id: str) -> pb.Draft:
    return (await service.conversation.GetDraft(pb.GetDraftRequest(inquiry_id=inquiry_id))).draft


async def move(service: Service, inquiry_id: str, name: str, number: int = 0) -> pb.Draft:
    number = number or (await current(service, inquiry_id)).number
    request = pb.UpdateDraftRequest(inquiry_id=inquiry_id, number=number, state=state(name))
    return (await service.conversation.UpdateDraft(request)).draft


async def regenerate(service: Service, inquiry_id: str, instruction: str = "") -> list[pb.RegenerateDraftResponse]:
    request = pb.RegenerateDraftRequest(inquiry_id=inquiry_id, instruction=instruction)
    return [part async for part in service.conversation.RegenerateDraft(request, timeout=PATIENCE)]


async def until(service: Service, inquiry_id: str, name: str) -> pb.Draft:
    """The draft, once it is in this state."""
    async with asyncio.timeout(PATIENCE):
        while (draft := await current(service, inquiry_id)).state != state(name):  # noqa: ASYNC110 - another's state
            await asyncio.sleep(0.05)
    return draft


async def states(service: Service, inquiry_id: str) -> list[str]:
    rows = await service.sql("select state from draft where inquiry_id = $1 order by number", inquiry_id)
    return [row["state"] for row in rows]


async def test_draft_tells_what_it_answers_and_what_wrote_it(service: Service) -> None:
    inquiry_id = await analysed(service)
    draft = await current(service, inquiry_id)
    assert (draft.state, draft.text, draft.message_number) == (state("ready"), DRAFT, 1)
    assert (draft.model.name, draft.instruction, draft.reply_number) == ("test-1", "", 0)
    assert not draft.HasField("edit_distance")
    assert (await last_event(service, inquiry_id, "triage_completed"))["draft_number"] == draft.number


@pytest.mark.parametrize("before", BY_PEOPLE)
@pytest.mark.parametrize("after", ["ready", "inserted", "dismissed"])
async def test_people_move_drafts_only_as_is_legal(service: Service, before: str, after: str) -> None:
    inquiry_id = await analysed(service)
    await service.sql("update draft set state = $1", before)
    version = (await service.get(inquiry_id)).version
    if after in BY_PEOPLE[before]:
        assert (await move(service, inquiry_id, after)).state == state(after)
        body = await last_event(service, inquiry_id, "draft_changed")
        assert body["changes"] == {"draft_state": [before, after]}
        assert (await service.get(inquiry_id)).version == version + 1
    elif after == before:
        await move(service, inquiry_id, after)
        assert (await service.get(inquiry_id)).version == version
    else:
        with pytest.raises(errors.FailedPrecondition) as refused:
            await move(service, inquiry_id, after)
        assert refused.value.reason == "ILLEGAL_TRANSITION"
        assert refused.value.metadata["legal"] == ", ".join(sorted(BY_PEOPLE[before]))
        assert await states(service, inquiry_id) == [before]


@pytest.mark.parametrize("name", ["generating", "sent", "superseded", "failed", "unspecified"])
async def test_only_the_service_gives_the_other_states(service: Service, name: str) -> None:
    inquiry_id = await analysed(service)
    with pytest.raises(errors.InvalidArgument):
        await move(service, inquiry_id, name)


@pytest.mark.parametrize(
    ("before", "shown"), [("ready", DRAFT), ("inserted", DRAFT), ("dismissed", ""), ("failed", ""), ("sent", "")]
)
async def test_suggested_reply_is_the_newest_draft_while_it_waits(service: Service, before: str, shown: str) -> None:
    inquiry_id = await analysed(service)
    await service.sql("update draft set state = $1", before)
    assert (await service.get(inquiry_id)).suggested_reply == shown


async def test_reply_from_a_draft_keeps_how_far_it_was_edited(service: Service) -> None:
    inquiry_id = await analysed(service)
    draft = await move(service, inquiry_id, "inserted")
    await service.write(inquiry_id, "reply", "Hola, Ana: lo revisamos hoy.", draft_number=draft.number)
    sent = await current(service, inquiry_id)
    assert (sent.state, sent.reply_number, sent.edit_distance, sent.text) == (state("sent"), 2, 4, DRAFT)
    body = await last_event(service, inquiry_id)
    assert (body["draft_number"], body["draft_used"], body["edit_distance"]) == (draft.number, True, 4)
    assert (await last_event(service, inquiry_id, "draft_changed"))["changes"] == {"draft_state": ["inserted", "sent"]}


@pytest.mark.parametrize("before", ["generating", "ready", "inserted"])
async def test_reply_without_the_draft_supersedes_it(service: Service, before: str) -> None:
    inquiry_id = await analysed(service)
    await service.sql("update draft set state = $1", before)
    number = (await current(service, inquiry_id)).number
    await service.write(inquiry_id, "reply", "Otra cosa.")
    assert await states(service, inquiry_id) == ["superseded"]
    body = await last_event(service, inquiry_id)
    assert (body["draft_number"], body["draft_used"], "edit_distance" in body) == (number, False, False)
    assert msgspec.json.decode((await service.events(inquiry_id))[-1]["body"]) == body
    versions = [event["version"] for event in await service.events(inquiry_id)]
    assert versions[-2:] == [versions[-2], versions[-2] + 1]


async def test_note_leaves_the_draft_alone(service: Service) -> None:
    inquiry_id = await analysed(service)
    await service.write(inquiry_id, "note")
    assert await states(service, inquiry_id) == ["ready"]


async def test_follow_up_supersedes_the_draft_and_the_next_analysis_makes_another(service: Service) -> None:
    inquiry_id = await analysed(service)
    await service.write(inquiry_id, "note")
    await follow_up(service, inquiry_id)
    assert await states(service, inquiry_id) == ["superseded"]
    await service.complete(await service.must_claim(inquiry_id))
    assert await states(service, inquiry_id) == ["superseded", "ready"]
    assert (await current(service, inquiry_id)).message_number == 3


@pytest.mark.parametrize("before", ["ready", "inserted", "generating", "sent", "dismissed", "failed"])
async def test_new_analysis_supersedes_what_is_unsent_and_keeps_what_was_sent(service: Service, before: str) -> None:
    inquiry_id = await analysed(service)
    await service.sql("update draft set state = $1", before)
    await service.sql("update triage_job set state = 'queued', requested_revision = 2, run_after = now()")
    await service.complete(await service.must_claim(inquiry_id))
    unsent = before in ("ready", "inserted", "generating")
    assert await states(service, inquiry_id) == ["superseded" if unsent else before, "ready"]
    changed = [event for event in await service.events(inquiry_id) if event["kind"] == "draft_changed"]
    assert len(changed) == unsent


async def test_of_two_replies_at_once_one_uses_the_draft_and_the_other_is_told(service: Service) -> None:
    inquiry_id = await analysed(service)
    number = (await current(service, inquiry_id)).number
    answers = await asyncio.gather(
        *(service.write(inquiry_id, "reply", text, draft_number=number) for text in ("Uno.", "Dos.")),
        return_exceptions=True,
    )
    [refused] = [answer for answer in answers if isinstance(answer, errors.FailedPrecondition)]
    assert refused.reason == "ILLEGAL_TRANSITION"
    assert await states(service, inquiry_id) == ["sent"]
    assert len(await service.sql("select 1 from message where kind = 'reply'")) == 1


async def test_second_tab_learns_that_the_draft_has_gone_but_may_send_what_was_made_of_it(service: Service) -> None:
    inquiry_id = await analysed(service)
    first = await move(service, inquiry_id, "inserted")
    await regenerate(service, inquiry_id)
    with pytest.raises(errors.FailedPrecondition) as refused:
        await move(service, inquiry_id, "inserted", first.number)
    assert refused.value.reason == "ILLEGAL_TRANSITION"
    await service.write(inquiry_id, "reply", DRAFT, draft_number=first.number)
    assert await states(service, inquiry_id) == ["sent", "superseded"]
    assert (await last_event(service, inquiry_id))["edit_distance"] == 0


async def test_new_draft_arrives_as_it_is_written(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)
    await service.write(inquiry_id, "note", "Ojo")
    begun, *deltas, ended = await regenerate(service, inquiry_id, "más corto")
    assert (begun.draft.state, begun.draft.text, begun.draft.instruction) == (state("generating"), "", "más corto")
    assert "".join(part.delta for part in deltas) == ended.draft.text == "Thank you for writing."
    assert (ended.draft.state, ended.draft.message_number, ended.draft.model.name) == (state("ready"), 1, "stub")
    assert await current(service, inquiry_id) == ended.draft
    assert (await service.get(inquiry_id)).suggested_reply == ended.draft.text
    assert await states(service, inquiry_id) == ["superseded", "ready"]
    [asked] = analysis.asked
    assert (asked.category, asked.instruction) == ("billing_payment", "más corto")
    assert [turn.text for turn in asked.inquiry.conversation] == ["Me han cobrado dos veces el pedido A-10023."]
    changes = [event for event in await service.events(inquiry_id) if event["kind"] == "draft_changed"]
    assert [(event["actor"], msgspec.json.decode(event["body"])["changes"]["draft_state"]) for event in changes] == [
        ("agent", ["ready", "superseded"]),
        ("agent", [None, "generating"]),
        ("ai", ["generating", "ready"]),
    ]


async def test_instruction_that_was_not_understood_is_told(service: Service, analysis: AnalysisStub) -> None:
    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        yield ai.DraftReplyResponse(reply=drafted("Hello.", instruction_followed=False))

    analysis.write = write
    draft = (await regenerate(service, await analysed(service), "as a limerick"))[-1].draft
    assert (draft.state, draft.reason) == (state("ready"), "instruction_not_understood")


async def test_draft_is_written_to_its_end_when_nobody_listens_any_more(
    service: Service, analysis: AnalysisStub
) -> None:
    go_on = asyncio.Event()

    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        yield ai.DraftReplyResponse(delta="Dear ")
        await go_on.wait()
        yield ai.DraftReplyResponse(reply=drafted("Dear Ana."))

    analysis.write = write
    inquiry_id = await analysed(service)
    call = service.conversation.RegenerateDraft(pb.RegenerateDraftRequest(inquiry_id=inquiry_id), timeout=PATIENCE)
    async for part in call:
        if part.delta:
            break
    call.cancel()
    go_on.set()
    assert (await until(service, inquiry_id, "ready")).text == "Dear Ana."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.Unavailable("Too slow.", reason="PROVIDER_TIMEOUT"), "provider_timeout"),
        (errors.InvalidArgument("Odd."), "invalid_argument"),
        (RuntimeError("kanarienvogel"), "internal"),
    ],
)
async def test_draft_that_the_ai_gives_up_is_failed_with_its_reason(
    service: Service, analysis: AnalysisStub, error: Exception, reason: str
) -> None:
    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        yield ai.DraftReplyResponse(delta="Dear ")
        raise error

    analysis.write = write
    inquiry_id = await analysed(service)
    with pytest.raises(errors.RpcError) as failed:
        await regenerate(service, inquiry_id)
    assert failed.value.reason.lower() == reason
    draft = await current(service, inquiry_id)
    assert (draft.state, draft.reason) == (state("failed"), reason)
    assert (await service.get(inquiry_id)).suggested_reply == ""


async def test_ai_service_that_is_away_fails_the_draft(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)
    await analysis.stop()
    with pytest.raises(errors.Unavailable):
        await regenerate(service, inquiry_id)
    assert (await current(service, inquiry_id)).reason == "unreachable"


async def test_draft_that_fails_has_cost_all_the_same(service: Service, analysis: AnalysisStub) -> None:
    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        yield ai.DraftReplyResponse(delta="Dear ")
        raise errors.Unavailable("x", reason="PROVIDER_BAD_ANSWER", metadata={"cost_micros": "70"})

    analysis.write = write
    with pytest.raises(errors.Unavailable):
        await regenerate(service, await analysed(service))
    assert [row["cost_micros"] for row in await service.sql("select cost_micros from spending")] == [70]


async def test_reply_while_a_draft_is_written_supersedes_it_and_its_cost_counts(
    service: Service, analysis: AnalysisStub
) -> None:
    inquiry_id = await analysed(service)

    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        act_as("support")
        await service.write(inquiry_id, "reply")
        yield ai.DraftReplyResponse(reply=drafted("Too late.", usage=ai.Usage(cost_micros=70)))

    analysis.write = write
    parts = await regenerate(service, inquiry_id)
    assert parts[-1].draft.state == state("superseded")
    assert (await service.get(inquiry_id)).suggested_reply == ""
    assert [row["cost_micros"] for row in await service.sql("select cost_micros from spending")] == [70]


async def test_draft_dismissed_while_it_is_written_stays_so_and_counts_what_it_cost(
    service: Service, analysis: AnalysisStub
) -> None:
    inquiry_id = await analysed(service)

    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        act_as("support")
        await move(service, inquiry_id, "dismissed")
        yield ai.DraftReplyResponse(reply=drafted("Too late.", usage=ai.Usage(cost_micros=70)))

    analysis.write = write
    parts = await regenerate(service, inquiry_id)
    assert parts[-1].draft.state == state("dismissed")
    assert await states(service, inquiry_id) == ["superseded", "dismissed"]
    assert (await service.get(inquiry_id)).suggested_reply == ""
    assert [row["cost_micros"] for row in await service.sql("select cost_micros from spending")] == [70]


async def test_draft_without_progress_for_a_minute_is_failed(service: Service, analysis: AnalysisStub) -> None:
    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        yield ai.DraftReplyResponse(delta="Dear ")
        await asyncio.Event().wait()

    analysis.write = write
    inquiry_id = await analysed(service)
    writing = asyncio.create_task(regenerate(service, inquiry_id))
    await until(service, inquiry_id, "generating")
    await service.sql("update draft set update_time = now() - interval '59 seconds' where state = 'generating'")
    assert (await current(service, inquiry_id)).state == state("generating")
    await service.sql("update draft set update_time = now() - interval '61 seconds' where state = 'generating'")
    assert (await until(service, inquiry_id, "failed")).reason == "timeout"
    [event] = (await service.events(inquiry_id))[-1:]
    assert (event["kind"], event["actor"], event["version"]) == (
        "draft_changed",
        "system",
        (await service.get(inquiry_id)).version,
    )
    writing.cancel()


async def test_draft_of_an_erased_inquiry_is_dropped(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)

    async def write(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
        act_as("admin", str(uuid.uuid4()))
        await service.inquiries.DeleteInquiry(inquiry_pb2.DeleteInquiryRequest(id=inquiry_id))
        yield ai.DraftReplyResponse(reply=drafted("kanarienvogel"))

    analysis.write = write
    parts = await regenerate(service, inquiry_id)
    assert (parts[-1].draft.state, parts[-1].draft.text) == (state("superseded"), "")
    assert await service.sql("select 1 from draft") == []


async def test_longest_instruction(service: Service) -> None:
    inquiry_id = await analysed(service)
    assert (await regenerate(service, inquiry_id, "ñ" * 500))[-1].draft.instruction == "ñ" * 500
    for wrong in ("ñ" * 501, "a\x00"):
        with pytest.raises(errors.InvalidArgument):
            await regenerate(service, inquiry_id, wrong)
    assert await states(service, inquiry_id) == ["superseded", "ready"]


@pytest.mark.parametrize(("role", "account"), [("anonymous", ""), ("user", CUSTOMER)])
async def test_drafts_are_for_staff_only(service: Service, role: Role, account: str) -> None:
    inquiry_id = await analysed(service)
    act_as(role, account)
    for call in (
        current(service, inquiry_id),
        move(service, inquiry_id, "dismissed", 1),
        regenerate(service, inquiry_id),
    ):
        with pytest.raises(errors.PermissionDenied):
            await call


async def test_inquiry_without_a_draft_has_none(service: Service) -> None:
    inquiry_id = await of_customer(service)
    for call in (
        current(service, inquiry_id),
        move(service, inquiry_id, "dismissed", 1),
        current(service, CUSTOMER),
        regenerate(service, CUSTOMER),
    ):
        with pytest.raises(errors.NotFound):
            await call
