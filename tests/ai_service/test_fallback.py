"""What happens while the chosen provider cannot answer: the embedded model does and says why, or nobody does."""

import json

import pytest
from pok.ai.v1 import analysis_pb2 as pb

from ai_service.guard import Guard
from ai_service.knowledge import Knowledge
from ai_service.providers.embedded import EmbeddedProvider
from ai_service.providers.openai import OpenAIProvider
from runtime.rpc.errors import Unavailable
from runtime.rpc.spent import spent
from tests.ai_service.builders import request
from tests.ai_service.conftest import Stub, router, serving
from tests.support.openai_stub import (
    ANSWER,
    Behaviour,
    OpenAIStub,
    Reply,
    answering,
    completion,
    failing,
    in_turn,
    streaming,
)

ASKED = request("I was charged twice for order 48213", name="Ana")
HALF_A_BODY = completion(json.dumps(ANSWER))

# What the provider does; the reason of the failure; how often it is asked with somebody to take over, and without.
FAULTS: tuple[tuple[str, Behaviour, str, int, int], ...] = (
    ("hang", lambda _: Reply(hang=True), "PROVIDER_TIMEOUT", 1, 1),
    ("slow", lambda _: Reply(body=HALF_A_BODY.body, delay=60.0), "PROVIDER_TIMEOUT", 1, 1),
    ("hangs in the middle", lambda _: Reply(body=b'{"choices"', hang=True), "PROVIDER_TIMEOUT", 1, 1),
    ("reset", lambda _: Reply(drop=True), "PROVIDER_UNREACHABLE", 2, 1),
    ("answers and drops", lambda _: Reply(body=HALF_A_BODY.body, cut=True), "PROVIDER_UNREACHABLE", 2, 1),
    ("500", failing(500), "PROVIDER_FAILED", 2, 1),
    ("429", failing(429), "PROVIDER_RATE_LIMITED", 2, 1),
    ("429 for long", failing(429, retry_after="30"), "PROVIDER_RATE_LIMITED", 1, 1),
    ("401", failing(401), "PROVIDER_REJECTED", 1, 1),
    ("refuses", lambda _: completion("", refusal="No."), "PROVIDER_REFUSED", 1, 1),
    ("garbage", lambda _: Reply(body=b"<html>"), "PROVIDER_BAD_ANSWER", 2, 2),
    ("truncated", lambda _: completion('{"categories": [', finish_reason="length"), "PROVIDER_BAD_ANSWER", 2, 2),
    ("foreign label", answering(categories=[{"category": "x", "confidence": 1}]), "PROVIDER_BAD_ANSWER", 2, 2),
    ("10 MB", answering(draft="x" * 10_000_000), "PROVIDER_BAD_ANSWER", 2, 2),
)
TAKE_THEIR_TIME = {"slow", "hangs in the middle"}
CASES = [
    pytest.param(*fault, id=name, marks=[pytest.mark.long] if name in TAKE_THEIR_TIME else [])
    for name, *fault in FAULTS
]


def deadline(reason: str) -> float:
    return 4.0 if reason == "PROVIDER_TIMEOUT" else 10.0


@pytest.mark.parametrize(("behave", "reason", "calls", "_patient_calls"), CASES)
async def test_embedded_model_takes_over_and_the_record_says_why(
    openai_ai: Stub, openai_stub: OpenAIStub, behave: Behaviour, reason: str, calls: int, _patient_calls: int
) -> None:
    openai_stub.behave = behave
    analysis = (await openai_ai.Analyze(ASKED, timeout=deadline(reason))).analysis
    assert (analysis.model.provider, analysis.fallback) == ("embedded", reason.lower())
    assert len(openai_stub.requests) == calls
    assert analysis.sent_text == "I was charged twice for order 48213"
    assert analysis.embedding


@pytest.mark.parametrize(("behave", "reason", "_calls", "calls"), CASES)
async def test_patient_service_answers_that_it_cannot(
    patient_ai: Stub, openai_stub: OpenAIStub, behave: Behaviour, reason: str, _calls: int, calls: int
) -> None:
    openai_stub.behave = behave
    with pytest.raises(Unavailable) as failed:
        await patient_ai.Analyze(ASKED, timeout=deadline(reason))
    assert failed.value.reason == reason
    assert len(openai_stub.requests) == calls


async def test_call_that_failed_is_made_once_more_before_the_embedded_model_takes_over(
    openai_ai: Stub, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = in_turn(failing(429, retry_after="0"), answering())
    analysis = (await openai_ai.Analyze(ASKED)).analysis
    assert (analysis.fallback, len(openai_stub.requests)) == ("", 2)
    assert len(openai_stub.requests[1]["messages"]) == 2  # nothing was wrong with an answer


async def test_tokens_of_answers_that_could_not_be_used_count(openai_ai: Stub, openai_stub: OpenAIStub) -> None:
    openai_stub.behave = lambda _: completion("no")
    usage = (await openai_ai.Analyze(ASKED)).analysis.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_micros) == (240, 80, 1120)


async def test_patient_service_says_what_answers_that_could_not_be_used_have_cost(
    patient_ai: Stub, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = lambda _: completion("no")
    cost = {"input_tokens": 240, "output_tokens": 80, "cost_micros": 1120}
    with pytest.raises(Unavailable) as failed:
        await patient_ai.Analyze(ASKED)
    assert spent(failed.value) == cost
    openai_stub.behave = streaming("no")
    with pytest.raises(Unavailable) as failed:
        async for _ in patient_ai.DraftReply(pb.DraftReplyRequest(inquiry=ASKED)):
            pass
    assert spent(failed.value) == cost


async def test_nothing_goes_out_while_the_circuit_is_open(openai_ai: Stub, openai_stub: OpenAIStub) -> None:
    openai_stub.behave = failing(500)
    fallbacks = [(await openai_ai.Analyze(ASKED)).analysis.fallback for _ in range(4)]
    assert fallbacks == ["provider_failed", "provider_failed", "provider_circuit_open", "provider_circuit_open"]
    assert len(openai_stub.requests) == 5
    state = (await openai_ai.GetModel(pb.GetModelRequest())).paid
    assert (state.circuit, state.last_failure, state.model.name) == ("open", "provider_failed", "asked-for")
    assert state.HasField("open_until")
    assert (state.fallback, state.masking) == ("embedded", True)
    last = (await openai_ai.Analyze(ASKED)).analysis
    assert (last.sent_text, list(last.masked)) == ("", [])


async def test_patient_caller_is_told_to_come_back_once_the_circuit_is_open(
    patient_ai: Stub, openai_stub: OpenAIStub
) -> None:
    openai_stub.behave = failing(500)
    seen = []
    for _ in range(7):
        with pytest.raises(Unavailable) as failed:
            await patient_ai.Analyze(ASKED)
        seen.append((failed.value.reason, failed.value.retry_delay is not None))
    # The failure that opens it is no fault of the inquiry any more.
    assert seen == [("PROVIDER_FAILED", False)] * 4 + [("PROVIDER_CIRCUIT_OPEN", True)] * 3
    assert len(openai_stub.requests) == 5


async def test_retry_after_is_honoured_by_all_calls(patient_ai: Stub, openai_stub: OpenAIStub) -> None:
    openai_stub.behave = failing(429, retry_after="30")
    for reason in ("PROVIDER_RATE_LIMITED", "PROVIDER_CIRCUIT_OPEN"):
        with pytest.raises(Unavailable) as failed:
            await patient_ai.Analyze(ASKED)
        assert failed.value.reason == reason
        assert failed.value.retry_delay
        assert failed.value.retry_delay > 28
    assert len(openai_stub.requests) == 1


async def test_spent_budget_of_the_day_waits_too_where_waiting_is_asked_for(
    patient_ai: Stub, openai_stub: OpenAIStub
) -> None:
    asked = request("hello")
    asked.spend_left_micros = 0
    with pytest.raises(Unavailable) as failed:
        await patient_ai.Analyze(asked)
    assert (failed.value.reason, failed.value.retry_delay) == ("SPEND_CAP", 600.0)
    assert openai_stub.requests == []


async def test_spent_budget_of_the_minute_is_a_reason_to_take_over(
    openai_stub: OpenAIStub, embedded_provider: EmbeddedProvider, openai_provider: OpenAIProvider, knowledge: Knowledge
) -> None:
    limited = router(embedded_provider, openai_provider, guard=Guard(at_once=1, calls=1))
    async with serving(limited, knowledge) as ai:
        assert [(await ai.Analyze(ASKED)).analysis.fallback for _ in range(2)] == ["", "provider_minute_budget"]
    assert len(openai_stub.requests) == 1
