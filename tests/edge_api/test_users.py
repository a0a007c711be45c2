"""Admins arrange accounts over HTTP."""

import uuid
from typing import Any

import pytest

from tests.edge_api.conftest import PASSWORD, Newcomer
from tests.support.edge import Edge, problem

USERS = "/api/users/"


def new_user(**fields: Any) -> dict[str, Any]:
    """A body that is fine as it is."""
    email = f"{uuid.uuid4().hex}@example.org"
    return {"email": email, "name": "Eva", "role": "support", "password": PASSWORD, **fields}


async def test_created_account_is_found_changed_and_removed(api: Edge, newcomer: Newcomer) -> None:
    admin, body = await newcomer("admin"), new_user(language="en")
    answer = await api.post(USERS, json=body, headers=admin)
    assert answer.status_code == 201
    user = answer.json()
    assert user.items() >= {"email": body["email"], "role": "support", "language": "en", "active": True}.items()
    path = answer.headers["Location"]
    assert path == f"{USERS}{user['id']}/"
    assert (await api.get(path, headers=admin)).json() == user
    changed = await api.patch(path, json={"role": "admin", "active": False, "name": "Eva Ruiz"}, headers=admin)
    assert changed.json() == {**user, "role": "admin", "active": False, "name": "Eva Ruiz"}
    assert (await api.delete(path, headers=admin)).status_code == 204
    problem(await api.get(path, headers=admin), 404, "not-found")
    problem(await api.delete(path, headers=admin), 404, "not-found")


async def test_taken_address_is_a_conflict(api: Edge, newcomer: Newcomer) -> None:
    admin, body = await newcomer("admin"), new_user()
    await api.post(USERS, json=body, headers=admin)
    problem(await api.post(USERS, json=body, headers=admin), 409, "conflict")


async def test_accounts_are_listed_by_filter_and_page(api: Edge, newcomer: Newcomer) -> None:
    admin, word = await newcomer("admin"), uuid.uuid4().hex
    for number in range(3):
        await api.post(USERS, json=new_user(name=f"{word} {number}"), headers=admin)
    query: dict[str, str | int] = {"q": word, "role": "support,admin", "active": "true", "page_size": 2}
    first = (await api.get(USERS, params=query, headers=admin)).json()
    assert [user["name"][-1] for user in first["items"]] == ["2", "1"]
    second = (await api.get(USERS, params={**query, "page_token": first["next_page_token"]}, headers=admin)).json()
    assert [user["name"][-1] for user in second["items"]] == ["0"]
    assert second["next_page_token"] is None
    other_list = {"page_token": first["next_page_token"]}
    problem(await api.get(USERS, params=other_list, headers=admin), 400, "bad-page-token")


@pytest.mark.parametrize(
    ("field", "value"), [("email", "no address"), ("role", "root"), ("password", "short"), ("language", "fr")]
)
async def test_wrong_field_is_named(api: Edge, newcomer: Newcomer, field: str, value: str) -> None:
    answer = await api.post(USERS, json=new_user(**{field: value}), headers=await newcomer("admin"))
    assert [error["field"] for error in problem(answer, 400, "invalid-request")["errors"]] == [field]


async def test_agents_are_id_and_name_of_staff(api: Edge, newcomer: Newcomer) -> None:
    support = await newcomer("support")
    listed = (await api.get("/api/agents/", headers=support)).json()["items"]
    me = (await api.get("/api/me/", headers=support)).json()
    assert {"id": me["id"], "name": me["name"]} in listed
    assert {frozenset(agent) for agent in listed} == {frozenset({"id", "name"})}
