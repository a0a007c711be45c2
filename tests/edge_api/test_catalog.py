"""Categories and canned replies over HTTP: everybody knows the names, staff what the AI is told, admins change them."""

import uuid
from typing import Any

import pytest

from tests.edge_api.conftest import Newcomer
from tests.support.edge import Edge, problem

CATEGORIES, REPLIES = "/api/categories/", "/api/canned-replies/"


def new_category(**fields: Any) -> dict[str, Any]:
    """A body that is fine as it is."""
    key = f"k{uuid.uuid4().hex}"
    return {"key": key, "name_es": "Garantía", "name_en": "Warranty", "description": "Broken in time.", **fields}


def new_reply(**fields: Any) -> dict[str, Any]:
    """A body that is fine as it is."""
    return {"title": uuid.uuid4().hex, "body": "Hola, {{customer_name}}.", "language": "es", **fields}


async def test_category_is_added_changed_switched_off_and_removed(api: Edge, newcomer: Newcomer) -> None:
    admin, body = await newcomer("admin"), new_category(examples=["¿Tiene garantía?"])
    answer = await api.post(CATEGORIES, json=body, headers=admin)
    assert answer.status_code == 201
    path = answer.headers["Location"]
    category = (await api.get(path, headers=admin)).json()
    assert category == answer.json()
    assert category.items() >= {**body, "active": True}.items()
    change = {"name_en": "Guarantee", "active": False, "position": 1}
    changed = (await api.patch(path, json=change, headers=admin)).json()
    assert changed == {**category, **change, "version": changed["version"]}
    assert (await api.get(CATEGORIES, headers=admin)).json()["items"][0] == changed
    assert (await api.delete(path, headers=admin)).status_code == 204
    problem(await api.get(path, headers=admin), 404, "not-found")


async def test_whole_number_may_be_written_with_a_fraction(api: Edge, newcomer: Newcomer) -> None:
    headers = {**await newcomer("admin"), "Content-Type": "application/json"}
    answer = await api.patch(f"{CATEGORIES}billing_payment/", content=b'{"position": 2.0}', headers=headers)
    assert answer.json()["position"] == 2


@pytest.mark.parametrize("role", ["anonymous", "user"])
async def test_everybody_learns_keys_and_names_and_nothing_else(api: Edge, newcomer: Newcomer, role: str) -> None:
    headers = await newcomer(role)
    items = (await api.get(CATEGORIES, headers=headers)).json()["items"]
    assert {frozenset(category) for category in items} == {frozenset({"key", "name_es", "name_en", "active"})}
    one = (await api.get(f"{CATEGORIES}billing_payment/", headers=headers)).json()
    assert one == {
        "key": "billing_payment",
        "name_es": "Facturación y pagos",
        "name_en": "Billing and payments",
        "active": True,
    }


async def test_conflicts_of_categories_are_told_apart(api: Edge, newcomer: Newcomer) -> None:
    admin, body = await newcomer("admin"), new_category()
    path = (await api.post(CATEGORIES, json=body, headers=admin)).headers["Location"]
    problem(await api.post(CATEGORIES, json=body, headers=admin), 409, "conflict")
    inquiry = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "m"}
    created = await api.post("/api/inquiries/create/", json=inquiry)
    set_ = await api.patch(created.headers["Location"], json={"category": body["key"]}, headers=admin)
    assert set_.status_code == 200
    problem(await api.delete(path, headers=admin), 409, "category-in-use")


@pytest.mark.parametrize(
    ("collection", "body", "change"),
    [(CATEGORIES, new_category(), {"name_en": "Guarantee"}), (REPLIES, new_reply(), {"body": "Hola."})],
    ids=["category", "canned reply"],
)
async def test_change_of_what_somebody_else_has_changed_is_refused(
    api: Edge, newcomer: Newcomer, collection: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    admin = await newcomer("admin")
    path = (await api.post(collection, json=body, headers=admin)).headers["Location"]
    read = {**admin, "If-Match": (await api.get(path, headers=admin)).headers["ETag"]}
    theirs = await api.patch(path, json=change, headers=read)
    assert theirs.headers["ETag"] == f'"{theirs.json()["version"]}"' != read["If-Match"]
    problem(await api.patch(path, json=change, headers=read), 412, "version-mismatch")
    assert (await api.patch(path, json=change, headers={**admin, "If-Match": "*"})).status_code == 200
    problem(await api.patch(path, json=change, headers={**admin, "If-Match": "3"}), 400, "invalid-request")


async def test_canned_reply_is_added_found_changed_and_removed(api: Edge, newcomer: Newcomer) -> None:
    admin, support = await newcomer("admin"), await newcomer("support")
    body = new_reply(language="pt-br", category="billing_payment")
    answer = await api.post(REPLIES, json=body, headers=admin)
    assert answer.status_code == 201
    path, reply = answer.headers["Location"], answer.json()
    assert reply.items() >= {**body, "language": "pt-BR"}.items()
    assert (await api.get(path, headers=support)).json() == reply
    query = {"language": "PT-BR", "category": "billing_payment"}
    assert reply in (await api.get(REPLIES, params=query, headers=support)).json()["items"]
    assert reply not in (await api.get(REPLIES, params={"language": "es"}, headers=support)).json()["items"]
    changed = (await api.patch(path, json={"category": None}, headers=admin)).json()
    assert (changed["category"], changed["body"]) == (None, reply["body"])
    assert (await api.delete(path, headers=admin)).status_code == 204
    problem(await api.get(path, headers=support), 404, "not-found")


async def test_unknown_variable_is_a_field_error_that_names_the_known_ones(api: Edge, newcomer: Newcomer) -> None:
    answer = await api.post(REPLIES, json=new_reply(body="Hola, {{nombre}}."), headers=await newcomer("admin"))
    (error,) = problem(answer, 400, "invalid-request")["errors"]
    assert error["field"] == "body"
    assert "{{customer_name}}" in error["message"]
