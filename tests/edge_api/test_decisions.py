"""Over HTTP: what the AI has decided, and changes of many inquiries at once."""

import time
import uuid
from typing import Any

import pytest
from pok.account.v1 import account_pb2

from edge_api import deadlines
from tests.edge_api.conftest import Login
from tests.edge_api.test_inquiries import created, triaged
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.inquiry import Service

LIST = "/api/inquiries/"
NOBODY = "0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"


async def test_run_is_shown_undone_and_asked_for_again(api: Edge, service: Service, headers_of: Login) -> None:
    headers, path = await headers_of("support"), f"{LIST}{await triaged(api, service)}"
    page = (await api.get(f"{path}/runs/", headers=headers)).json()
    [run] = page["items"]
    assert (run["number"], run["outcome"], page["next_page_token"]) == (1, "applied", None)
    assert run["changes"]["category"] == [None, "billing_payment"]
    assert run["analysis"]["categories"][0] == {"category": "billing_payment", "confidence": 0.9}
    assert run["analysis"]["model"] == {"provider": "embedded", "name": "test-1", "prompt_version": None}
    answer = await api.post(f"{path}/runs/1/undo/", headers=headers)
    undone = answer.json()
    assert (undone["category"], undone["suggested_category"]) == (None, "billing_payment")
    assert answer.headers["ETag"] == f'"{undone["version"]}"'
    problem(await api.post(f"{path}/runs/1/undo/", headers=headers), 409, "nothing-to-undo")
    again = await api.post(f"{path}/retriage/", headers=headers)
    assert (again.status_code, again.json()["triage_state"]) == (200, "queued")
    kinds = [event["kind"] for event in (await api.get(f"{path}/events/", headers=headers)).json()["items"]]
    assert [kind for kind in kinds if not kind.startswith("draft")][-2:] == ["triage_undone", "triage_requested"]


@pytest.mark.parametrize("run", ["0", str(2**53 + 1), "9" * 40, "x", "-1"])
async def test_run_that_cannot_be_is_refused(api: Edge, headers_of: Login, run: str) -> None:
    path = f"{LIST}{(await created(api))['id']}/runs/{run}/undo/"
    assert (await api.post(path, headers=await headers_of("support"))).status_code in {400, 404}


async def test_dry_run_says_when_there_is_no_ai(api: Edge, headers_of: Login) -> None:
    path = f"{LIST}{(await created(api))['id']}/dry-run/"
    headers = await headers_of("support")
    problem(await api.post(path, json={"provider": "embedded"}, headers=headers), 503, "unavailable")
    wrong = await api.post(path, json={"provider": "mine"}, headers=headers)
    assert problem(wrong, 400, "invalid-request")["errors"][0]["field"] == "provider"


async def test_dry_run_may_take_longer_than_anything_else(stub: BackendStub) -> None:
    stub.sessions["s1"] = account_pb2.Account(id="a1", role=account_pb2.ROLE_SUPPORT)
    async with edge(stub.address) as client:
        headers, before = bearer("a1", "s1"), time.monotonic()
        await client.get(f"{LIST}{NOBODY}/", headers=headers)
        await client.post(f"{LIST}{NOBODY}/dry-run/", json={"provider": "auto"}, headers=headers)
    usual, longer = (call.deadline for call in stub.calls if call.principal.account_id == "a1")
    assert usual is not None
    assert longer is not None
    assert usual < before + deadlines.DRY_RUN - deadlines.USUAL < longer


async def test_selection_is_changed_with_an_answer_for_each(api: Edge, headers_of: Login) -> None:
    headers = await headers_of("support")
    ids = [(await created(api))["id"] for _ in range(2)]
    await api.patch(f"{LIST}{ids[1]}/", json={"status": "closed"}, headers=headers)
    body = {"ids": [*ids, NOBODY], "change": {"status": "resolved", "add_tags": ["late"], "assignee_id": None}}
    answer = await api.post(f"{LIST}bulk/", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["id"] for item in items] == body["ids"]
    assert [item["version"] for item in items] == [2, None, None]
    kinds = [(item["problem"] or {}).get("type", "").rpartition(":")[2] for item in items]
    assert kinds == ["", "illegal-transition", "not-found"]
    assert (items[1]["problem"]["status"], "open" in items[1]["problem"]["detail"]) == (409, True)
    assert (await api.get(f"{LIST}{ids[0]}/", headers=headers)).json()["tags"] == ["late"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [NOBODY], "change": {}}, "change"),
        ({"ids": [], "change": {"status": "open"}}, "ids"),
        ({"ids": [NOBODY, NOBODY.upper()], "change": {"status": "open"}}, "ids"),
        ({"ids": [str(uuid.UUID(int=number)) for number in range(101)], "change": {"status": "open"}}, "ids"),
        ({"ids": ["x"], "change": {"status": "open"}}, "ids"),
        ({"ids": [NOBODY], "change": {"sentiment": "neutral"}}, "change"),
        ({"ids": [NOBODY], "change": {"status": "new"}}, "status"),
    ],
)
async def test_wrong_selection_is_refused_as_a_whole(
    api: Edge, headers_of: Login, body: dict[str, Any], field: str
) -> None:
    answer = await api.post(f"{LIST}bulk/", json=body, headers=await headers_of("support"))
    assert problem(answer, 400, "invalid-request")["errors"][0]["field"] == field
