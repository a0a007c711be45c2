"""What the AI has decided can be read, asked for again, asked of another model, and taken back."""

import uuid
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pok.ai.v1 import analysis_pb2
from pok.inquiry.v1 import decisions_pb2, inquiry_pb2
from redis.asyncio import Redis

from runtime import doorbell
from runtime.rpc import errors
from runtime.rpc.context import Role
from tests.support.analysis_stub import AnalysisStub
from tests.support.inquiry import Service, act_as

DONE = inquiry_pb2.TRIAGE_STATE_DONE
QUEUED = inquiry_pb2.TRIAGE_STATE_QUEUED
REVIEW = inquiry_pb2.TRIAGE_STATE_NEEDS_REVIEW
NEGATIVE, POSITIVE = analysis_pb2.SENTIMENT_NEGATIVE, analysis_pb2.SENTIMENT_POSITIVE
NOBODY = "0198a0e0-0000-7000-8000-000000000001"


async def analysed(service: Service, **fields: Any) -> str:
    inquiry_id = (await service.create()).inquiry.id
    await service.complete(await service.must_claim(inquiry_id), **fields)
    return inquiry_id


async def retriage(service: Service, inquiry_id: str) -> inquiry_pb2.Inquiry:
    request = decisions_pb2.RetriageInquiryRequest(inquiry_id=inquiry_id)
    return (await service.decisions.RetriageInquiry(request)).inquiry


async def undo(service: Service, inquiry_id: str, run: int = 1) -> inquiry_pb2.Inquiry:
    return (await service.decisions.UndoRun(decisions_pb2.UndoRunRequest(inquiry_id=inquiry_id, run=run))).inquiry


async def listed(service: Service, inquiry_id: str, **fields: Any) -> decisions_pb2.ListRunsResponse:
    return await service.decisions.ListRuns(decisions_pb2.ListRunsRequest(inquiry_id=inquiry_id, **fields))


async def dry_run(service: Service, inquiry_id: str, provider: str = "auto") -> analysis_pb2.Analysis:
    request = decisions_pb2.DryRunRequest(inquiry_id=inquiry_id, provider=provider)
    return (await service.decisions.DryRun(request)).analysis


async def set_by_hand(service: Service, inquiry_id: str, **fields: Any) -> None:
    await service.inquiries.UpdateInquiry(
        inquiry_pb2.UpdateInquiryRequest(
            id=inquiry_id, inquiry=inquiry_pb2.Inquiry(**fields), update_mask=FieldMask(paths=list(fields))
        )
    )


async def last_event(service: Service, inquiry_id: str, kind: str) -> Any:
    return [event for event in await service.events(inquiry_id) if event["kind"] == kind][-1]


async def test_runs_are_listed_newest_first_with_what_they_changed(service: Service) -> None:
    inquiry_id = await analysed(service)
    for category in ("returns_refunds", "technical_issue"):
        await retriage(service, inquiry_id)
        await service.complete(await service.must_claim(inquiry_id), category=category, draft=category)
    first = await listed(service, inquiry_id, page_size=2)
    assert [run.number for run in first.runs] == [3, 2]
    newest = first.runs[0]
    assert (newest.outcome, newest.revision, newest.analysis.draft) == ("applied", 1, "technical_issue")
    assert newest.analysis.categories[0].category == "technical_issue"
    assert (newest.analysis.model.name, newest.analysis.sentiment) == ("test-1", NEGATIVE)
    assert [entity.value for entity in newest.analysis.entities] == ["A-10023"]
    assert msgspec.json.decode(newest.changes_json)["category"] == ["returns_refunds", "technical_issue"]
    second = await listed(service, inquiry_id, page_size=2, page_token=first.next_page_token)
    assert ([run.number for run in second.runs], second.next_page_token) == ([1], "")
    assert msgspec.json.decode(second.runs[0].changes_json)["category"] == [None, "billing_payment"]


async def test_inquiry_without_runs_has_none_and_an_unknown_one_is_not_found(service: Service) -> None:
    assert not (await listed(service, (await service.create()).inquiry.id)).runs
    for call in (listed(service, NOBODY), retriage(service, NOBODY), undo(service, NOBODY), dry_run(service, NOBODY)):
        with pytest.raises(errors.NotFound):
            await call
    with pytest.raises(errors.NotFound):
        await undo(service, await analysed(service), run=7)


async def test_page_token_of_another_inquirys_runs_is_refused(service: Service) -> None:
    ids = [await analysed(service) for _ in range(2)]
    await retriage(service, ids[0])
    await service.complete(await service.must_claim(ids[0]))
    token = (await listed(service, ids[0], page_size=1)).next_page_token
    with pytest.raises(errors.InvalidArgument) as caught:
        await listed(service, ids[1], page_token=token)
    assert caught.value.reason == "BAD_PAGE_TOKEN"


async def test_retriage_queues_after_what_is_live_and_rings(service: Service, redis_url: str) -> None:
    inquiry_id = await analysed(service)
    account_id = await service.account()
    act_as("support", account_id)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
        again = await retriage(service, inquiry_id)
        assert await redis.xread({doorbell.STREAM: "0"}, block=5000)
    assert again.triage_state == QUEUED
    [job] = await service.sql("select lane, state, attempt, crashes, claim from triage_job")
    assert dict(job) == {"lane": 1, "state": "queued", "attempt": 0, "crashes": 0, "claim": 1}
    event = await last_event(service, inquiry_id, "triage_requested")
    assert (event["actor"], str(event["actor_id"]), event["version"]) == ("agent", account_id, again.version)
    assert msgspec.json.decode(event["body"]) == {"changes": {"triage_state": ["done", "queued"]}}
    assert (await service.must_claim(inquiry_id)).key.claim == 2


async def test_retriage_of_what_waits_or_runs_changes_nothing(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    assert (await retriage(service, inquiry_id)).version == 1
    claim = await service.must_claim(inquiry_id)
    assert (await retriage(service, inquiry_id)).version == 2
    assert await service.complete(claim)
    [job] = await service.sql("select lane, requested_revision from triage_job")
    assert (job["lane"], job["requested_revision"]) == (0, 1)


async def test_retriage_revives_what_has_failed(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.must_claim(inquiry_id)
    await service.sql("update triage_job set state = 'idle', attempt = 6, crashes = 3")
    await service.sql("update inquiry set triage_state = 'failed', triage_reason = 'crashed_worker'")
    again = await retriage(service, inquiry_id)
    assert (again.triage_state, again.triage_reason) == (QUEUED, "")
    assert not (await service.must_claim(inquiry_id)).alone


async def test_inquiry_that_never_had_a_job_gets_one(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    await service.sql("delete from triage_job")
    await service.sql("update inquiry set triage_state = 'done'")
    assert (await retriage(service, inquiry_id)).triage_state == QUEUED
    assert (await service.must_claim(inquiry_id)).request.conversation[0].text


async def test_undo_brings_back_the_values_from_before_and_asks_for_review(service: Service) -> None:
    inquiry_id = await analysed(service)
    account_id = await service.account()
    act_as("support", account_id)
    undone = await undo(service, inquiry_id)
    assert (undone.category, undone.suggested_category, undone.triage_state) == ("", "billing_payment", REVIEW)
    assert (undone.sentiment, undone.HasField("sentiment_score"), undone.language) == (0, False, "")
    assert (undone.priority, undone.priority_reason) == (analysis_pb2.PRIORITY_NORMAL, "")
    assert (undone.suggested_reply, list(undone.human_fields)) == ("", [])
    event = await last_event(service, inquiry_id, "triage_undone")
    assert (event["actor"], str(event["actor_id"]), event["version"]) == ("agent", account_id, undone.version)
    body = msgspec.json.decode(event["body"])
    assert body["run"] == 1
    assert body["changes"]["category"] == ["billing_payment", None]
    assert body["changes"]["triage_state"] == ["done", "needs_review"]
    [run] = (await listed(service, inquiry_id)).runs
    assert run.outcome == "undone"
    [draft] = await service.sql("select state from draft")
    assert draft["state"] == "superseded"


async def test_undo_leaves_what_a_person_or_a_later_run_has_set(service: Service) -> None:
    inquiry_id = await analysed(service)
    await set_by_hand(service, inquiry_id, category="security_fraud")
    await retriage(service, inquiry_id)
    await service.complete(await service.must_claim(inquiry_id), sentiment=POSITIVE, sentiment_score=0.5)
    undone = await undo(service, inquiry_id)
    assert (undone.category, undone.sentiment, undone.sentiment_score) == ("security_fraud", POSITIVE, 0.5)
    assert (undone.priority, undone.triage_state) == (analysis_pb2.PRIORITY_NORMAL, DONE)
    restored = await undo(service, inquiry_id, run=2)
    assert (restored.sentiment, restored.sentiment_score) == (NEGATIVE, -0.5)


async def test_category_of_the_run_before_comes_back(service: Service) -> None:
    inquiry_id = await analysed(service)
    await retriage(service, inquiry_id)
    await service.complete(await service.must_claim(inquiry_id), category="technical_issue")
    undone = await undo(service, inquiry_id, run=2)
    assert (undone.category, undone.suggested_category) == ("billing_payment", "technical_issue")
    assert undone.triage_state == REVIEW


async def test_category_that_is_gone_does_not_come_back(service: Service) -> None:
    inquiry_id = await analysed(service)
    await retriage(service, inquiry_id)
    await service.complete(await service.must_claim(inquiry_id), category="technical_issue")
    await service.sql("update category set active = false where key = 'billing_payment'")
    assert (await undo(service, inquiry_id, run=2)).category == ""


async def test_nothing_is_undone_twice_nor_where_nothing_was_set(service: Service) -> None:
    inquiry_id = await analysed(service)
    await undo(service, inquiry_id)
    superseded = (await service.create()).inquiry.id
    claim = await service.must_claim(superseded)
    await service.sql("update triage_job set requested_revision = 2 where inquiry_id = $1", superseded)
    await service.complete(claim)
    for undone in (inquiry_id, superseded):
        version = (await service.get(undone)).version
        with pytest.raises(errors.FailedPrecondition) as caught:
            await undo(service, undone)
        assert caught.value.reason == "NOTHING_TO_UNDO"
        assert (await service.get(undone)).version == version


async def test_sent_draft_of_an_undone_run_stays_sent(service: Service) -> None:
    inquiry_id = await analysed(service)
    await service.sql("update draft set state = 'sent'")
    await undo(service, inquiry_id)
    assert [row["state"] for row in await service.sql("select state from draft")] == ["sent"]


async def test_dry_run_changes_nothing_but_the_days_spending(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)
    asked: list[analysis_pb2.AnalyzeRequest] = []

    async def answer(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        asked.append(request)
        return analysis_pb2.Analysis(
            categories=[analysis_pb2.CategoryScore(category="technical_issue", confidence=0.6)],
            sentiment=POSITIVE,
            priority=analysis_pb2.PRIORITY_LOW,
            language="es",
            draft="Otra respuesta.",
            model=analysis_pb2.Model(provider="openai", name="b"),
            usage=analysis_pb2.Usage(cost_micros=70),
        )

    analysis.answer = answer
    before = [await service.get(inquiry_id), len(await service.events(inquiry_id))]
    said = await dry_run(service, inquiry_id, "openai")
    assert (said.categories[0].category, said.draft, said.model.name) == ("technical_issue", "Otra respuesta.", "b")
    assert [await service.get(inquiry_id), len(await service.events(inquiry_id))] == before
    assert len((await listed(service, inquiry_id)).runs) == 1
    assert [row["cost_micros"] for row in await service.sql("select cost_micros from spending")] == [70]
    [request] = asked
    assert (request.provider, request.inquiry_id) == ("openai", inquiry_id)
    assert [turn.text for turn in request.conversation] == ["Me han cobrado dos veces el pedido A-10023."]


async def test_dry_run_that_fails_has_cost_all_the_same(service: Service, analysis: AnalysisStub) -> None:
    async def answer(request: analysis_pb2.AnalyzeRequest) -> analysis_pb2.Analysis:
        raise errors.Unavailable("x", reason="PROVIDER_BAD_ANSWER", metadata={"cost_micros": "70"})

    inquiry_id = await analysed(service)
    analysis.answer = answer
    with pytest.raises(errors.Unavailable):
        await dry_run(service, inquiry_id, "openai")
    assert [row["cost_micros"] for row in await service.sql("select cost_micros from spending")] == [70]


async def test_dry_run_without_an_ai_service_is_unavailable(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)
    await analysis.stop()
    with pytest.raises(errors.Unavailable):
        await dry_run(service, inquiry_id)
    with pytest.raises(errors.InvalidArgument):
        await dry_run(service, inquiry_id, "another")


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_decisions_are_for_staff(service: Service, role: Role) -> None:
    inquiry_id = await analysed(service)
    act_as(role, str(uuid.uuid4()) if role == "user" else "")
    for call in (listed, retriage, undo, dry_run):
        with pytest.raises(errors.PermissionDenied):
            await call(service, inquiry_id)
