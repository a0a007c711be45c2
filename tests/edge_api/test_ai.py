"""Over HTTP: why the AI gives a category, what a run and its draft were made of, and how the AI is doing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pok.ai.v1 import analysis_pb2 as ai

from tests.edge_api.conftest import Login, newcomer_of
from tests.edge_api.test_inquiries import created, triaged
from tests.support.analysis_stub import AnalysisStub
from tests.support.edge import Edge, edge, problem
from tests.support.inquiry import Service, act_as, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

ANSWERED: dict[str, Any] = {
    "cited": ["canned:1"],
    "missing": ["número de pedido"],
    "masked": [ai.Masked(kind="name", count=2)],
    "sent_text": "[NAME_1]: me han cobrado dos veces.",
    "uncorrected_category": "returns_refunds",
    "learned_share": 0.25,
}


@pytest.fixture
async def analysis() -> AsyncIterator[AnalysisStub]:
    stub = AnalysisStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def asking(postgres: PostgresServer, valkey: ValkeyServer, analysis: AnalysisStub) -> AsyncIterator[Service]:
    """An inquiry service that has an AI service to ask."""
    async with inquiry_service(await postgres.migrated(), valkey.empty(), ai_address=analysis.address) as service:
        yield service


async def test_run_draft_explanation_and_state_are_shown(asking: Service, analysis: AnalysisStub) -> None:
    async with edge(f"127.0.0.1:{asking.port}") as api:
        headers = await newcomer_of(asking, "support")
        inquiry_id = (await created(api))["id"]
        path = f"/api/inquiries/{inquiry_id}"
        act_as("support")
        usage = ai.Usage(input_tokens=8, output_tokens=2, cost_micros=5)
        await asking.complete(await asking.must_claim(inquiry_id), usage=usage, **ANSWERED)
        [run] = (await api.get(f"{path}/runs/", headers=headers)).json()["items"]
        shown = {**ANSWERED, "masked": [{"kind": "name", "count": 2}]}
        assert {name: run["analysis"][name] for name in ANSWERED} == shown
        draft = (await api.get(f"{path}/draft/", headers=headers)).json()
        assert [draft[name] for name in ("cited", "missing", "masked")] == [
            shown[name] for name in ("cited", "missing", "masked")
        ]

        analysis.explanation = ai.ExplainCategoryResponse(
            category="billing_payment",
            categories=[ai.CategoryScore(category="billing_payment", confidence=0.75)],
            phrases=[ai.Phrase(turn=-1, start=0, end=5, weight=0.5)],
            neighbours=[ai.Neighbour(example="Double charge", category="billing_payment", similarity=0.5)],
        )
        answer = await api.get(f"{path}/why/", params={"category": "billing_payment"}, headers=headers)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["categories"] == [{"category": "billing_payment", "confidence": 0.75}]
        assert [(one["message"], one["weight"]) for one in told["phrases"]] == [(0, 0.5)]
        assert [(one["inquiry_id"], one["text"]) for one in told["cases"]] == [(None, "Double charge")]

        analysis.model = ai.GetModelResponse(
            model=ai.Model(provider="openai", name="big-1"),
            knowledge_version=1,
            paid=ai.ProviderState(
                model=ai.Model(provider="openai", name="big-1"),
                circuit="open",
                open_until=Timestamp(seconds=1_800_000_000),
                last_failure="provider_timeout",
                in_flight=2,
                fallback="wait",
                masking=True,
            ),
            thresholds=[ai.ThresholdPoint(threshold=0.5, precision=0.875, coverage=0.75)],
        )
        state = (await api.get("/api/ai/", headers=headers)).json()
        assert state["today"] == {"input_tokens": 8, "output_tokens": 2, "cost_micros": 5}
        assert (state["provider"], state["knowledge_version"], state["spend_left_micros"]) == ("auto", 1, None)
        assert state["service"]["thresholds"] == [{"threshold": 0.5, "precision": 0.875, "coverage": 0.75}]
        assert state["service"]["paid"] == {
            "model": {"provider": "openai", "name": "big-1", "prompt_version": None},
            "circuit": "open",
            "open_until": "2027-01-15T08:00:00Z",
            "last_failure": "provider_timeout",
            "in_flight": 2,
            "median_ms": None,
            "fallback": "wait",
            "masking": True,
        }


async def test_category_is_taken_back_with_null(api: Edge, service: Service, headers_of: Login) -> None:
    headers, path = await headers_of("support"), f"/api/inquiries/{await triaged(api, service)}/"
    await api.patch(path, json={"category": "returns_refunds"}, headers=headers)
    back = (await api.patch(path, json={"category": None}, headers=headers)).json()
    assert (back["category"], back["suggested_category"]) == (None, "billing_payment")


async def test_absent_ai_service_explains_nothing_and_shows_in_its_state(api: Edge, headers_of: Login) -> None:
    headers = await headers_of("support")
    path = f"/api/inquiries/{(await created(api))['id']}/why/"
    problem(await api.get(path, headers=headers), 503, "unavailable")
    wrong = problem(await api.get(path, params={"category": "mine"}, headers=headers), 400, "invalid-request")
    assert wrong["errors"][0]["field"] == "category"
    state = (await api.get("/api/ai/", headers=headers)).json()
    assert (state["service"], state["provider"]) == (None, "auto")
