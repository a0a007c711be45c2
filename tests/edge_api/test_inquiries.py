"""Inquiries over HTTP: what each role sees, sends and changes."""

import uuid
from typing import Any

import pytest

from tests.edge_api.conftest import Login
from tests.support.edge import Edge, problem
from tests.support.inquiry import Service, act_as
from tests.support.projections import projected

PUBLIC = {
    *("id", "reference", "category", "status", "priority", "triage_state", "language", "create_time", "update_time")
}
CUSTOMER = {
    *("id", "reference", "customer_name", "customer_email", "subject", "message", "snippet", "category", "status"),
    *("create_time", "update_time"),
}


def new_inquiry(**fields: Any) -> dict[str, Any]:
    """A body that is fine as it is."""
    return {
        "customer_name": "Ana Pérez",
        "customer_email": "ana@example.org",
        "subject": "Cobro duplicado",
        "message": "Me cobraron dos veces el pedido 83121.",
        **fields,
    }


async def created(api: Edge, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/inquiries/create/", json=new_inquiry(**fields), headers=headers)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def triaged(api: Edge, service: Service) -> str:
    """An inquiry that the machine has classified."""
    inquiry_id: str = (await created(api))["id"]
    act_as("support")
    await service.complete(await service.must_claim(inquiry_id))
    return inquiry_id


@pytest.mark.parametrize("slash", ["", "/"])
async def test_inquiry_is_accepted_with_all_that_is_needed_to_follow_it(api: Edge, slash: str) -> None:
    answer = await api.post(f"/api/inquiries/create{slash}", json=new_inquiry())
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["Location"] == f"/api/inquiries/{body['id']}/"
    assert uuid.UUID(body["id"]).version == 7
    assert body["reference"].startswith("POK-")
    assert len(body["tracking_token"]) >= 32
    assert (body["status"], body["triage_state"], body["category"]) == ("new", "queued", None)
    assert body["create_time"].endswith("Z")
    assert (await api.get(answer.headers["Location"])).json()["id"] == body["id"]


async def test_text_is_stored_as_written_without_the_space_around_it(api: Edge, headers_of: Login) -> None:
    message = "  Línea uno\n\n\tlínea dos: “ñ” 🦊 <b>&amp;</b>\r\n  "
    inquiry_id = (await created(api, message=message))["id"]
    stored = (await api.get(f"/api/inquiries/{inquiry_id}/", headers=await headers_of("support"))).json()
    assert stored["message"] == message.strip()


async def test_longest_texts_are_accepted(api: Edge, headers_of: Login) -> None:
    longest: dict[str, Any] = {
        "customer_name": "ñ" * 200,
        "customer_email": "a" * 242 + "@example.org",
        "subject": "語" * 300,
        "message": "🦊" * 20_000,
    }
    inquiry_id = (await created(api, **longest))["id"]
    stored = (await api.get(f"/api/inquiries/{inquiry_id}/", headers=await headers_of("support"))).json()
    assert {name: stored[name] for name in longest} == longest


async def test_retry_with_the_same_key_answers_with_the_same_inquiry(api: Edge) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = await api.post("/api/inquiries/create/", json=new_inquiry(), headers=headers)
    again = await api.post("/api/inquiries/create/", json=new_inquiry(), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_key_of_another_body_is_a_conflict(api: Edge) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    await api.post("/api/inquiries/create/", json=new_inquiry(), headers=headers)
    answer = await api.post("/api/inquiries/create/", json=new_inquiry(subject="Otro"), headers=headers)
    problem(answer, 409, "idempotency-conflict")


async def test_short_idempotency_key_is_fine_for_those_who_have_a_scope_of_their_own(
    api: Edge, headers_of: Login
) -> None:
    headers = {**await headers_of("user"), "Idempotency-Key": "order-1"}
    assert (await api.post("/api/inquiries/create/", json=new_inquiry(), headers=headers)).status_code == 201


@pytest.mark.parametrize("signals", [{"website": "https://spam.example"}, {"fill_seconds": 0.4}])
async def test_suspect_of_the_contact_form_is_answered_as_anybody_and_waits_among_the_spam(
    api: Edge, headers_of: Login, signals: dict[str, Any]
) -> None:
    usual, suspect = await created(api), await created(api, **signals)
    assert suspect.keys() == usual.keys()
    assert (suspect["status"], suspect["triage_state"]) == (usual["status"], usual["triage_state"]) == ("new", "queued")
    stored = (await api.get(f"/api/inquiries/{suspect['id']}/", headers=await headers_of("support"))).json()
    assert (stored["status"], stored["triage_state"]) == ("spam", "done")


async def test_staff_see_which_consent_text_was_agreed_to_and_when(api: Edge, headers_of: Login) -> None:
    inquiry_id = (await created(api, consent_version="2026-11-25-es", fill_seconds=31.5, website=""))["id"]
    stored = (await api.get(f"/api/inquiries/{inquiry_id}/", headers=await headers_of("support"))).json()
    assert (stored["consent_version"], stored["consent_time"]) == ("2026-11-25-es", stored["create_time"])


async def test_external_id_is_for_staff(api: Edge, headers_of: Login) -> None:
    body = new_inquiry(external_id=str(uuid.uuid4()))
    problem(await api.post("/api/inquiries/create/", json=body), 401, "unauthenticated")
    user = await api.post("/api/inquiries/create/", json=body, headers=await headers_of("user"))
    problem(user, 403, "forbidden")
    staff = await api.post("/api/inquiries/create/", json=body, headers=await headers_of("support"))
    assert staff.status_code == 201


async def test_reader_without_an_account_sees_nothing_personal(api: Edge, service: Service) -> None:
    inquiry_id = await triaged(api, service)
    detail = await api.get(f"/api/inquiries/{inquiry_id}/")
    listed = await api.get("/api/inquiries/")
    assert detail.json().keys() == PUBLIC
    assert all(item.keys() == PUBLIC for item in listed.json()["items"])
    assert "ETag" not in detail.headers
    assert detail.json()["category"] == "billing_payment"


async def test_customer_sees_what_they_sent_and_nothing_of_others(
    api: Edge, service: Service, headers_of: Login
) -> None:
    others, user = await triaged(api, service), await headers_of("user")
    own = (await created(api, user))["id"]
    assert (await api.get(f"/api/inquiries/{own}/", headers=user)).json().keys() == CUSTOMER
    listed = (await api.get("/api/inquiries/", headers=user)).json()["items"]
    assert own in {item["id"] for item in listed}
    assert others not in {item["id"] for item in listed}
    assert all(item.keys() == CUSTOMER for item in listed)


async def test_staff_see_the_analysis(api: Edge, service: Service, headers_of: Login) -> None:
    inquiry_id = await triaged(api, service)
    answer = await api.get(f"/api/inquiries/{inquiry_id}/", headers=await headers_of("support"))
    body = answer.json()
    assert answer.headers["ETag"] == f'"{body["version"]}"'
    assert (body["category"], body["sentiment"], body["priority"]) == ("billing_payment", "negative", "high")
    assert body["alternatives"] == [{"category": "returns_refunds", "confidence": pytest.approx(0.05)}]
    assert (body["sentiment_score"], body["category_confidence"]) == (-0.5, 0.9)
    assert (body["language"], body["triage_state"]) == ("es", "done")
    assert body["suggested_reply"] == "Hola, Ana: lo revisamos."
    assert body["entities"] == [{"kind": "order_number", "value": "A-10023", "turn": 0, "start": 35, "end": 42}]
    assert body["model"]["provider"] == "embedded"
    assert (body["assignee_id"], body["tags"], body["external_id"]) == (None, [], None)


async def test_unknown_inquiry_is_not_found(api: Edge, headers_of: Login) -> None:
    path = f"/api/inquiries/{uuid.uuid4()}/"
    problem(await api.get(path), 404, "not-found")
    change = await api.patch(path, json={"status": "open"}, headers=await headers_of("support"))
    problem(change, 404, "not-found")


async def test_pages_lead_through_all_that_match_and_back(api: Edge, service: Service, headers_of: Login) -> None:
    subject = f"page {uuid.uuid4().hex}"
    ids = [(await created(api, subject=subject))["id"] for _ in range(5)]
    await projected(service, "search")
    headers, query = await headers_of("support"), {"q": subject.split()[1], "page_size": "2"}
    seen, page = [], (await api.get("/api/inquiries/", params=query, headers=headers)).json()
    first = page
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["next_page_token"] is None:
            break
        last = page
        following = {**query, "page_token": page["next_page_token"]}
        page = (await api.get("/api/inquiries/", params=following, headers=headers)).json()
    assert seen == ids[::-1]
    assert (first["total"], first["total_is_estimate"], first["previous_page_token"]) == (5, False, None)
    back = {**query, "page_token": page["previous_page_token"]}
    assert (await api.get("/api/inquiries/", params=back, headers=headers)).json()["items"] == last["items"]


@pytest.mark.parametrize("query", ["status=open&status=resolved", "status=open,resolved", "status=%20open%20,resolved"])
async def test_filter_values_may_be_repeated_or_separated_by_commas(api: Edge, headers_of: Login, query: str) -> None:
    headers = await headers_of("support")
    for status in ("open", "resolved", "spam"):
        inquiry_id = (await created(api))["id"]
        await api.patch(f"/api/inquiries/{inquiry_id}/", json={"status": status}, headers=headers)
    listed = (await api.get(f"/api/inquiries/?{query}&page_size=100")).json()["items"]
    assert {item["status"] for item in listed} == {"open", "resolved"}


async def test_filters_hold_all_together(api: Edge, service: Service, headers_of: Login) -> None:
    inquiry_id = await triaged(api, service)
    await created(api)
    query = {
        "category": "billing_payment",
        "sentiment": "negative",
        "priority": "high",
        "triage_state": "done",
        "language": "es",
        "status": "new",
    }
    headers = await headers_of("support")
    found = (await api.get("/api/inquiries/", params=query, headers=headers)).json()["items"]
    assert inquiry_id in {item["id"] for item in found}
    for name, other in [("sentiment", "positive"), ("priority", "low"), ("language", "en"), ("category", "none")]:
        assert (await api.get("/api/inquiries/", params={**query, name: other}, headers=headers)).json()["items"] == []


async def test_public_filter_by_what_the_public_view_lacks_asks_to_log_in(api: Edge, headers_of: Login) -> None:
    problem(await api.get("/api/inquiries/?sentiment=negative"), 401, "unauthenticated")
    user = await api.get("/api/inquiries/?sentiment=negative", headers=await headers_of("user"))
    problem(user, 403, "forbidden")


async def test_staff_change_fields_and_tags(api: Edge, headers_of: Login) -> None:
    headers, inquiry_id = await headers_of("support"), (await created(api))["id"]
    change = {"category": "shipping_delivery", "sentiment": "neutral", "priority": "urgent", "status": "open"}
    path = f"/api/inquiries/{inquiry_id}"
    answer = await api.patch(f"{path}/", json={**change, "add_tags": ["vip", "late"]}, headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {name: body[name] for name in change} == change
    assert answer.headers["ETag"] == f'"{body["version"]}"'
    body = (await api.patch(path, json={"remove_tags": ["late"], "add_tags": ["es"]}, headers=headers)).json()
    assert body["tags"] == ["es", "vip"]


async def test_inquiry_is_assigned_and_given_back(api: Edge, service: Service, headers_of: Login) -> None:
    headers, path = await headers_of("support"), f"/api/inquiries/{(await created(api))['id']}/"
    (agent,) = await service.sql("select id from account where email = 'support@example.org'")
    assigned = await api.patch(path, json={"assignee_id": str(agent["id"])}, headers=headers)
    assert assigned.json()["assignee_id"] == str(agent["id"])
    assert (await api.patch(path, json={"assignee_id": None}, headers=headers)).json()["assignee_id"] is None


@pytest.mark.parametrize("agent", ["me", "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"])
async def test_inquiry_is_assigned_to_agents_only(api: Edge, headers_of: Login, agent: str) -> None:
    path = f"/api/inquiries/{(await created(api))['id']}/"
    answer = await api.patch(path, json={"assignee_id": agent}, headers=await headers_of("support"))
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == "assignee_id"


async def test_change_that_changes_nothing_is_refused(api: Edge, headers_of: Login) -> None:
    path = f"/api/inquiries/{(await created(api))['id']}/"
    problem(await api.patch(path, json={}, headers=await headers_of("support")), 400, "invalid-request")


@pytest.mark.parametrize("field", ["id", "version", "message", "customer_email", "triage_state", "tags", "reference"])
async def test_fields_that_nobody_sets_are_refused(api: Edge, headers_of: Login, field: str) -> None:
    path = f"/api/inquiries/{(await created(api))['id']}/"
    answer = await api.patch(path, json={field: "x"}, headers=await headers_of("support"))
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == field


async def test_illegal_transition_is_a_conflict_that_names_the_legal_ones(api: Edge, headers_of: Login) -> None:
    headers, path = await headers_of("support"), f"/api/inquiries/{(await created(api))['id']}/"
    await api.patch(path, json={"status": "closed"}, headers=headers)
    answer = await api.patch(path, json={"status": "resolved"}, headers=headers)
    assert "open" in problem(answer, 409, "illegal-transition")["detail"]


async def test_change_after_another_person_changed_the_same_field_gets_the_current_row(
    api: Edge, headers_of: Login
) -> None:
    headers, path = await headers_of("support"), f"/api/inquiries/{(await created(api))['id']}/"
    read = (await api.get(path, headers=headers)).headers["ETag"]
    await api.patch(path, json={"priority": "urgent"}, headers=await headers_of("admin"))
    answer = await api.patch(path, json={"priority": "low"}, headers={**headers, "If-Match": read})
    current = problem(answer, 412, "version-mismatch")["current"]
    assert current["priority"] == "urgent"
    assert answer.headers["ETag"] == f'"{current["version"]}"' != read
    retried = {**headers, "If-Match": answer.headers["ETag"]}
    assert (await api.patch(path, json={"priority": "low"}, headers=retried)).status_code == 200


async def test_any_version_will_do_where_the_caller_says_so(api: Edge, headers_of: Login) -> None:
    headers, path = await headers_of("support"), f"/api/inquiries/{(await created(api))['id']}/"
    for extra in ({"If-Match": "*"}, {}):
        answer = await api.patch(path, json={"priority": "low"}, headers={**headers, **extra})
        assert answer.status_code == 200
