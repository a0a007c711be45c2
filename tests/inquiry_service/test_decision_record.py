"""What a run of the AI built on, lacked, hid, sent and would have said untaught stays with it, and with its draft."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.ai.v1 import analysis_pb2 as ai
from pok.inquiry.v1 import conversation_pb2, decisions_pb2

from runtime.rpc import context, errors
from tests.inquiry_service.test_learning import BILLING, REFUNDS, analysed, change, erase
from tests.support.analysis_stub import AnalysisStub, drafted
from tests.support.inquiry import Service, act_as

NOBODY = "0198a0e0-0000-7000-8000-000000000001"
TOLD: dict[str, Any] = {
    "cited": ["canned:1", "reply:2"],
    "missing": ["número de pedido"],
    "masked": [ai.Masked(kind="name", count=2), ai.Masked(kind="iban", count=1)],
}
RECORD: dict[str, Any] = {
    **TOLD,
    "sent_text": "[NAME_1]: me han cobrado dos veces.",
    "uncorrected_category": REFUNDS,
    "learned_share": 0.25,
    "fallback": "spend_cap",
    "usage": ai.Usage(input_tokens=800, output_tokens=90, cost_micros=70, duration_ms=912.5),
    "model": ai.Model(provider="openai", name="big-1", prompt_version="3"),
}


async def runs(service: Service, inquiry_id: str, **fields: Any) -> decisions_pb2.ListRunsResponse:
    return await service.decisions.ListRuns(decisions_pb2.ListRunsRequest(inquiry_id=inquiry_id, **fields))


async def state(service: Service) -> decisions_pb2.GetAiStateResponse:
    return await service.decisions.GetAiState(decisions_pb2.GetAiStateRequest())


async def explain(service: Service, inquiry_id: str, category: str = "") -> decisions_pb2.ExplainCategoryResponse:
    request = decisions_pb2.ExplainCategoryRequest(inquiry_id=inquiry_id, category=category)
    return await service.decisions.ExplainCategory(request)


def told_of(message: Any) -> dict[str, Any]:
    return {name: list(getattr(message, name)) for name in TOLD}


async def test_run_keeps_all_that_was_answered(service: Service) -> None:
    inquiry_id = await analysed(service, **RECORD)
    [run] = (await runs(service, inquiry_id)).runs
    assert {name: getattr(run.analysis, name) for name in RECORD if name not in TOLD} == {
        name: value for name, value in RECORD.items() if name not in TOLD
    }
    assert told_of(run.analysis) == TOLD


async def test_run_of_an_earlier_version_lacks_what_it_did_not_keep(service: Service) -> None:
    inquiry_id = await analysed(service)
    names = [*TOLD, "sent_text", "uncorrected_category", "learned_share"]
    await service.sql("update ai_run set record = record - $1::text[]", names)
    [run] = (await runs(service, inquiry_id)).runs
    assert told_of(run.analysis) == {name: [] for name in TOLD}
    assert (run.analysis.sent_text, run.analysis.uncorrected_category, run.analysis.learned_share) == ("", "", 0)


async def test_long_runs_come_on_several_pages(service: Service) -> None:
    inquiry_id = (await service.create()).inquiry.id
    for number in range(3):
        await service.complete(await service.must_claim(inquiry_id), sent_text=f"{number}" * 900_000)
        await service.decisions.RetriageInquiry(decisions_pb2.RetriageInquiryRequest(inquiry_id=inquiry_id))
    token = ""
    seen: list[list[int]] = []
    while token or not seen:
        page = await runs(service, inquiry_id, page_token=token)
        seen.append([run.number for run in page.runs])
        token = page.next_page_token
    assert seen == [[3], [2], [1]]


async def test_draft_keeps_what_it_builds_on_and_lacks(service: Service, analysis: AnalysisStub) -> None:
    async def write(request: ai.DraftReplyRequest) -> Any:
        yield ai.DraftReplyResponse(reply=drafted("Vea.", cited=["canned:9"], missing=["fecha"], masked=[]))

    inquiry_id = await analysed(service, **RECORD)
    request = conversation_pb2.GetDraftRequest(inquiry_id=inquiry_id)
    assert told_of((await service.conversation.GetDraft(request)).draft) == TOLD
    analysis.write = write
    again = conversation_pb2.RegenerateDraftRequest(inquiry_id=inquiry_id)
    *_, last = [part async for part in service.conversation.RegenerateDraft(again, timeout=15)]
    assert told_of(last.draft) == {"cited": ["canned:9"], "missing": ["fecha"], "masked": []}
    moved = conversation_pb2.UpdateDraftRequest(
        inquiry_id=inquiry_id, number=last.draft.number, state=conversation_pb2.DRAFT_STATE_INSERTED
    )
    assert told_of((await service.conversation.UpdateDraft(moved)).draft) == told_of(last.draft)


async def test_characters_that_cannot_be_kept_are_left_out(service: Service, analysis: AnalysisStub) -> None:
    async def write(request: ai.DraftReplyRequest) -> Any:
        yield ai.DraftReplyResponse(delta="Ve\0")
        yield ai.DraftReplyResponse(reply=drafted("Ve\0a.\x1b", missing=["fe\0cha"]))

    inquiry_id = await analysed(service, draft="Ho\0la.", missing=["\0número"], sent_text="\0Hola")
    [run] = (await runs(service, inquiry_id)).runs
    assert (run.analysis.draft, list(run.analysis.missing), run.analysis.sent_text) == ("Hola.", ["número"], "Hola")
    analysis.write = write
    again = conversation_pb2.RegenerateDraftRequest(inquiry_id=inquiry_id)
    _, delta, last = [part async for part in service.conversation.RegenerateDraft(again, timeout=15)]
    assert (delta.delta, last.draft.text, list(last.draft.missing)) == ("Ve", "Vea.", ["fecha"])


async def test_first_decision_names_what_would_have_been_chosen_untaught(service: Service) -> None:
    known, unknown = await analysed(service, **RECORD), await analysed(service)
    for inquiry_id in (known, unknown):
        await change(service, inquiry_id, category=BILLING)
    bodies = await service.sql(
        "select body ->> 'judged' as judged, body ->> 'uncorrected' as uncorrected from event "
        "where kind = 'inquiry_updated' order by number"
    )
    assert [tuple(body) for body in bodies] == [(BILLING, REFUNDS), (BILLING, None)]


async def test_explanation_names_messages_and_cases_as_people_know_them(
    service: Service, analysis: AnalysisStub
) -> None:
    inquiry_id, case, gone = [await analysed(service) for _ in range(3)]
    await service.write(inquiry_id, "note", "Nada.")
    await service.write(inquiry_id, "reply", "¿Cuál?")
    await service.sql(
        """insert into message (inquiry_id, number, author, kind, body)
        values ($1, 4, 'customer', 'follow_up', 'El de ayer.')""",
        inquiry_id,
    )
    await erase(service, gone)
    analysis.explanation = ai.ExplainCategoryResponse(
        category=BILLING,
        categories=[ai.CategoryScore(category=BILLING, confidence=0.75)],
        phrases=[
            ai.Phrase(turn=0, start=7, end=27, weight=0.5),
            ai.Phrase(turn=2, start=6, end=10, weight=0.25),
            ai.Phrase(turn=-1, start=0, end=5, weight=-0.125),
        ],
        neighbours=[
            ai.Neighbour(inquiry_id=inquiry_id, category=REFUNDS, similarity=1),
            ai.Neighbour(inquiry_id=case, category=REFUNDS, similarity=0.875),
            ai.Neighbour(inquiry_id=gone, category=REFUNDS, similarity=0.75),
            ai.Neighbour(example="Double charge", category=BILLING, similarity=0.5),
        ],
        learned_share=0.5,
    )
    told = await explain(service, inquiry_id, BILLING)
    assert [(phrase.message, phrase.text, phrase.weight) for phrase in told.phrases] == [
        (1, "cobrado dos veces el", 0.5),
        (4, "ayer", 0.25),
        (0, "Cobro", -0.125),
    ]
    assert [(one.inquiry_id, one.reference, one.text, one.similarity) for one in told.cases] == [
        (case, (await service.get(case)).reference, "Cobro doble", 0.875),
        ("", "", "Double charge", 0.5),
    ]
    assert (told.category, told.categories[0].confidence, told.learned_share) == (BILLING, 0.75, 0.5)
    assert analysis.explained[0].category == BILLING
    assert [turn.text for turn in analysis.explained[0].inquiry.conversation][1:] == ["¿Cuál?", "El de ayer."]


async def test_only_what_exists_is_explained(service: Service, analysis: AnalysisStub) -> None:
    inquiry_id = await analysed(service)
    with pytest.raises(errors.NotFound):
        await explain(service, NOBODY)
    await service.sql("update category set active = false where key = $1", REFUNDS)
    for category in (REFUNDS, "no_such_category"):
        with pytest.raises(errors.InvalidArgument):
            await explain(service, inquiry_id, category)
    await analysis.stop()
    with pytest.raises(errors.Unavailable):
        await explain(service, inquiry_id)


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_only_staff_is_told(service: Service, role: context.Role) -> None:
    inquiry_id = await analysed(service)
    act_as(role, "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f")
    for call in (explain(service, inquiry_id), state(service)):
        with pytest.raises(errors.PermissionDenied):
            await call


async def test_state_says_what_was_taken_is_left_and_known(service: Service, analysis: AnalysisStub) -> None:
    analysis.model = ai.GetModelResponse(
        model=ai.Model(provider="openai", name="big-1", prompt_version="3"),
        knowledge_version=1,
        load_time=Timestamp(seconds=1_800_000_000),
        paid=ai.ProviderState(circuit="open", last_failure="provider_timeout", in_flight=2, median_ms=812.5),
    )
    assert not (await state(service)).HasField("spend_left_micros")
    inquiry_id = await analysed(service, **RECORD)
    await analysed(service, **RECORD)
    await change(service, inquiry_id, category=REFUNDS)
    await service.cap(0.001)
    told = await state(service)
    assert (told.ai_provider, told.knowledge_version, told.examples) == ("auto", 3, 1)
    assert told.today == ai.Usage(input_tokens=1600, output_tokens=180, cost_micros=140)
    assert told.spend_left_micros == 860
    assert told.model == analysis.model


async def test_state_is_told_without_the_ai_service(service: Service, analysis: AnalysisStub) -> None:
    await analysis.stop()
    told = await state(service)
    assert (told.HasField("model"), told.knowledge_version, told.examples) == (False, 1, 0)
