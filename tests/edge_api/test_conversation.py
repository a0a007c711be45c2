"""Conversation, draft and private link over HTTP: each reader's view, streams, retries, and no note outside."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pok.account.v1 import account_pb2
from pok.ai.v1 import analysis_pb2 as ai

from runtime.rpc import errors
from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.edge_api.test_inquiries import created, triaged
from tests.support.analysis_stub import AnalysisStub, drafted
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.inquiry import Service, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

CANARY = "kanarienvogel"
STAFF_MESSAGE = {"number", "kind", "author", "author_id", "author_name", "text", "channel", "create_time"}
CUSTOMER_MESSAGE = {"number", "kind", "author", "author_name", "text", "create_time"}

Headers = dict[str, str]


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of each server-sent event."""
    lines = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in lines]


async def write(api: Edge, inquiry_id: str, headers: Headers, kind: str, text: str = "Hola.", **fields: Any) -> Any:
    body = {"kind": kind, "text": text, **fields}
    answer = await api.post(f"/api/inquiries/{inquiry_id}/messages/", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_agents_and_the_customer_see_their_own_view_of_a_conversation(api: Edge, newcomer: Newcomer) -> None:
    customer, agent = await newcomer("user"), await newcomer("support")
    inquiry_id = (await created(api, customer))["id"]
    note = await write(api, inquiry_id, agent, "note", "  Ojo.  ")
    assert (note["number"], note["kind"], note["text"], note["channel"]) == (2, "note", "Ojo.", "desk")
    assert note["author_id"]
    reply = await write(api, inquiry_id, agent, "reply", "Lo vemos 🦊", status="resolved")
    assert reply.keys() == STAFF_MESSAGE
    added = await write(api, inquiry_id, customer, "follow_up", "Gracias")
    assert (added.keys(), added["number"], added["author"]) == (CUSTOMER_MESSAGE, 3, "customer")
    path = f"/api/inquiries/{inquiry_id}/messages/"
    seen = (await api.get(path, headers=agent)).json()
    assert [(m["number"], m["kind"]) for m in seen["items"]] == [
        (1, "message"),
        (2, "note"),
        (3, "reply"),
        (4, "follow_up"),
    ]
    page = (await api.get(path, headers=customer, params={"page_size": 2})).json()
    assert [(m["number"], m["kind"], m["author_name"]) for m in page["items"]] == [
        (1, "message", "Ana Pérez"),
        (2, "reply", "support"),
    ]
    rest = (await api.get(path, headers=customer, params={"page_token": page["next_page_token"]})).json()
    assert ([m["number"] for m in rest["items"]], rest["next_page_token"]) == ([3], None)
    inquiry = (await api.get(f"/api/inquiries/{inquiry_id}/", headers=agent)).json()
    assert (inquiry["status"], inquiry["resolve_time"]) == ("open", None)
    assert inquiry["first_response_time"] == reply["create_time"]


async def test_retry_with_the_same_key_answers_with_the_same_message(api: Edge, newcomer: Newcomer) -> None:
    agent = {**await newcomer("support"), "Idempotency-Key": str(uuid.uuid4())}
    inquiry = await created(api)
    path = f"/api/inquiries/{inquiry['id']}/messages/"
    body = {"kind": "reply", "text": "Sí."}
    answers = await asyncio.gather(*(api.post(path, json=body, headers=agent) for _ in range(10)))
    assert len({answer.text for answer in answers}) == 1
    replayed = sorted(answer.headers.get("Idempotency-Replayed", "") for answer in answers)
    assert replayed == ["", *["true"] * 9]
    refused = await api.post(path, json={**body, "text": "No."}, headers=agent)
    problem(refused, 409, "idempotency-conflict")


async def test_link_opens_the_inquiry_for_its_customer(api: Edge, newcomer: Newcomer) -> None:
    agent, customer = await newcomer("support"), await newcomer("user")
    inquiry = await created(api)
    await write(api, inquiry["id"], agent, "note", CANARY)
    await write(api, inquiry["id"], agent, "reply", "Lo vemos.")
    path, token = f"/api/track/{inquiry['reference']}/", {"X-Tracking-Token": inquiry["tracking_token"]}
    shown = (await api.get(path, headers=token)).json()
    assert shown["inquiry"]["id"] == inquiry["id"]
    assert [(m["number"], m["kind"]) for m in shown["messages"]] == [(1, "message"), (2, "reply")]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for replayed in (None, "true"):
        answer = await api.post(f"{path}messages/", json={"text": "¿Y?"}, headers={**token, **key})
        assert (answer.status_code, answer.json()["number"]) == (201, 3)
        assert answer.headers.get("Idempotency-Replayed") == replayed
    problem(await api.post(f"{path}messages/", json={"text": "x"}, headers={**token, **agent}), 403, "forbidden")
    assert (await api.get("/api/inquiries/", headers=customer)).json()["total"] == 0
    assert (await api.get(path, headers={**token, **customer})).status_code == 200
    assert (await api.get("/api/inquiries/", headers=customer)).json()["total"] == 1
    answer = await api.delete(f"/api/inquiries/{inquiry['id']}/tracking/", headers=agent)
    problem(await api.get(path, headers=token), 404, "not-found")
    token = {"X-Tracking-Token": answer.json()["tracking_token"]}
    assert (await api.get(path, headers=token)).status_code == 200


async def test_wrong_link_tells_nothing(api: Edge) -> None:
    inquiry = await created(api)
    wrong = [
        (inquiry["reference"], "x" * 43),
        (inquiry["reference"], ""),
        ("POK-99999999", inquiry["tracking_token"]),
        ("x", inquiry["tracking_token"]),
    ]
    told = set()
    for reference, token in wrong:
        answer = await api.get(f"/api/track/{reference}/", headers={"X-Tracking-Token": token})
        told.add(problem(answer, 404, "not-found")["detail"])
    assert len(told) == 1


async def test_closed_inquiry_says_to_write_a_new_one(api: Edge, service: Service, newcomer: Newcomer) -> None:
    inquiry = await created(api)
    await write(api, inquiry["id"], await newcomer("support"), "reply", status="closed")
    await service.sql("update inquiry set resolve_time = now() - interval '31 days' where id = $1", inquiry["id"])
    answer = await api.post(
        f"/api/track/{inquiry['reference']}/messages/",
        json={"text": "¿Hola?"},
        headers={"X-Tracking-Token": inquiry["tracking_token"]},
    )
    assert "new inquiry" in problem(answer, 409, "closed-for-good")["detail"]


async def test_draft_moves_until_it_is_sent(api: Edge, service: Service, newcomer: Newcomer) -> None:
    agent = await newcomer("support")
    inquiry_id = await triaged(api, service)
    path = f"/api/inquiries/{inquiry_id}/draft/"
    draft = (await api.get(path, headers=agent)).json()
    assert (draft["state"], draft["message_number"], draft["model"]["name"]) == ("ready", 1, "test-1")
    assert (draft["instruction"], draft["reply_number"], draft["edit_distance"], draft["reason"]) == (None,) * 4
    change = {"number": draft["number"], "state": "inserted"}
    assert (await api.patch(path, json=change, headers=agent)).json()["state"] == "inserted"
    await write(api, inquiry_id, agent, "reply", draft["text"] + "!", draft_number=draft["number"])
    sent = (await api.get(path, headers=agent)).json()
    assert (sent["state"], sent["reply_number"], sent["edit_distance"]) == ("sent", 2, 1)
    refused = problem(await api.patch(path, json=change, headers=agent), 409, "illegal-transition")
    assert "sent" in refused["detail"]


@pytest.fixture
async def analysis() -> AsyncIterator[AnalysisStub]:
    stub = AnalysisStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def writing(postgres: PostgresServer, valkey: ValkeyServer, analysis: AnalysisStub) -> AsyncIterator[Service]:
    """An inquiry service that has somebody to write its drafts."""
    async with inquiry_service(await postgres.migrated(), valkey.empty(), ai_address=analysis.address) as service:
        yield service


async def streamed(api: Edge, inquiry_id: str, headers: Headers, **body: Any) -> httpx.Response:
    async with api.stream("POST", f"/api/inquiries/{inquiry_id}/draft/stream/", json=body, headers=headers) as answer:
        await answer.aread()
        return answer


async def test_draft_is_streamed_as_it_is_written(writing: Service, analysis: AnalysisStub) -> None:
    async with edge(f"127.0.0.1:{writing.port}") as api:
        agent = await newcomer_of(writing, "support")
        inquiry_id = (await created(api))["id"]
        answer = await streamed(api, inquiry_id, agent, instruction="in English")
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        begun, *deltas, ended = events_of(answer.text)
        assert (begun[0], begun[1]["state"], begun[1]["instruction"]) == ("draft", "generating", "in English")
        assert deltas == [("delta", {"text": "Thank you "}), ("delta", {"text": "for writing."})]
        assert (ended[0], ended[1]["state"], ended[1]["text"]) == ("draft", "ready", "Thank you for writing.")

        async def give_up(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
            yield ai.DraftReplyResponse(delta="Dear\n\n")
            raise errors.Unavailable("The provider did not answer in time.", reason="PROVIDER_TIMEOUT")

        analysis.write = give_up
        _, delta, refused = events_of((await streamed(api, inquiry_id, agent)).text)
        assert delta == ("delta", {"text": "Dear\n\n"})
        assert (refused[0], refused[1]["type"], refused[1]["status"]) == ("problem", "urn:pok:problem:unavailable", 503)
        draft = (await api.get(f"/api/inquiries/{inquiry_id}/draft/", headers=agent)).json()
        assert (draft["state"], draft["reason"]) == ("failed", "provider_timeout")

        go_on = asyncio.Event()

        async def wait(_request: ai.DraftReplyRequest) -> AsyncIterator[ai.DraftReplyResponse]:
            yield ai.DraftReplyResponse(delta="Dear ")
            await go_on.wait()
            yield ai.DraftReplyResponse(reply=drafted("Dear Ana."))

        analysis.write = wait
        path = f"/api/inquiries/{inquiry_id}/draft/stream/"
        async with api.stream("POST", path, json={}, headers=agent) as stream:
            pieces = stream.aiter_text()
            seen = await anext(pieces)
            while "Dear" not in seen:  # it arrives before the draft is finished
                seen += await anext(pieces)
            go_on.set()
            seen += "".join([piece async for piece in pieces])
        assert events_of(seen)[-1][1]["text"] == "Dear Ana."


async def test_draft_of_an_unknown_inquiry_is_refused_before_the_stream(api: Edge, newcomer: Newcomer) -> None:
    agent = await newcomer("support")
    problem(await streamed(api, str(uuid.uuid4()), agent), 404, "not-found")
    problem(await streamed(api, str(uuid.uuid4()), agent, instruction="x" * 501), 400, "invalid-request")


async def test_draft_may_take_longer_than_other_requests(stub: BackendStub) -> None:
    session = "session-of-draft"
    stub.sessions[session] = account_pb2.Account(id="a1", role=account_pb2.ROLE_SUPPORT)
    stub.calls.clear()
    async with edge(stub.address) as api:
        await streamed(api, str(uuid.uuid4()), bearer("a1", session))
        await api.get(f"/api/inquiries/{uuid.uuid4()}/", headers=bearer("a1", session))
    long, usual = [call.deadline for call in stub.calls if call.deadline]  # the edge's own watch has none
    assert long - usual > 60


async def test_no_answer_to_customers_holds_a_note(api: Edge, service: Service, newcomer: Newcomer) -> None:
    agent, owner, other = await newcomer("support"), await newcomer("user"), await newcomer("user")
    inquiry = await created(api, owner)
    await write(api, inquiry["id"], agent, "note", CANARY)
    await write(api, inquiry["id"], agent, "reply", "r")
    token = {"X-Tracking-Token": inquiry["tracking_token"]}
    one, track = f"/api/inquiries/{inquiry['id']}/", f"/api/track/{inquiry['reference']}/"
    for headers in ({}, token, owner, other, {**owner, **token}, {**other, **token}):
        answers = [
            *[await api.get(path, headers=headers) for path in (one, track, f"{one}messages/", f"{one}events/")],
            *[await api.get(f"{one}{part}/", headers=headers) for part in ("draft", "similar", "runs")],
            await api.get("/api/inquiries/", headers=headers, params={"page_size": 100}),
            await api.get("/api/inquiries/", headers=headers, params={"q": CANARY}),
            await api.post(f"{track}messages/", json={"text": "x"}, headers=headers),
            await api.post(f"{one}messages/", json={"kind": "follow_up", "text": "x"}, headers=headers),
        ]
        for answer in answers:
            assert CANARY not in answer.text
            assert answer.status_code < 500
            numbers = [m["number"] for m in answer.json().get("messages", [])]
            assert numbers == list(range(1, len(numbers) + 1))
        assert answers[8].json()["total"] == 0
    seen = await api.get(f"{one}messages/", headers=owner)
    assert [m["number"] for m in seen.json()["items"]] == list(range(1, len(seen.json()["items"]) + 1))
    assert CANARY in (await api.get(f"{one}messages/", headers=agent)).text
