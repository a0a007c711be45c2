"""Registering, logging in, staying logged in, over HTTP."""

import uuid

import pytest

from tests.edge_api.conftest import PASSWORD, Login
from tests.support.edge import Edge, bearer, problem
from tests.support.inquiry import Service

PROTECTED = "/api/inquiries/"


def registration(**fields: str) -> dict[str, str]:
    """A body that is fine as it is."""
    return {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD, "name": "Ana", **fields}


async def registered(api: Edge) -> dict[str, str]:
    """The credentials of a new customer."""
    body = registration()
    assert (await api.post("/api/register/", json=body)).status_code == 201
    return {"email": body["email"], "password": body["password"]}


async def test_registered_customer_logs_in_and_reads_their_own(api: Edge) -> None:
    answer = await api.post("/api/token/", json=await registered(api))
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"access", "refresh", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    listed = await api.get(PROTECTED, headers={"Authorization": f"Bearer {body['access']}"})
    assert listed.json() == {
        "items": [],
        "next_page_token": None,
        "previous_page_token": None,
        "total": 0,
        "total_is_estimate": False,
    }


async def test_known_address_is_answered_like_a_new_one_and_stays_as_it_is(api: Edge) -> None:
    credentials = await registered(api)
    new = await api.post("/api/register/", json=registration())
    known = await api.post("/api/register/", json=registration(email=credentials["email"], password="another password"))
    assert (known.status_code, known.json()) == (new.status_code, new.json())
    assert (await api.post("/api/token/", json=credentials)).status_code == 200


async def test_wrong_password_and_unknown_address_are_answered_alike(api: Edge) -> None:
    credentials = await registered(api)
    wrong = await api.post("/api/token/", json={**credentials, "password": "wrong password"})
    unknown = await api.post("/api/token/", json={"email": "nobody@example.org", "password": PASSWORD})
    bodies = [problem(answer, 401, "bad-credentials") for answer in (wrong, unknown)]
    assert bodies[0]["detail"] == bodies[1]["detail"]


async def test_password_is_taken_as_it_is(api: Edge) -> None:
    body = registration(password="  spaces count  ")
    await api.post("/api/register/", json=body)
    stripped = {"email": body["email"], "password": body["password"].strip()}
    problem(await api.post("/api/token/", json=stripped), 401, "bad-credentials")
    exact = {"email": body["email"], "password": body["password"]}
    assert (await api.post("/api/token/", json=exact)).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a@b@c"),
        ("email", "@"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", "password123"),
        ("name", "x" * 201),
    ],
)
async def test_registration_says_what_is_wrong(api: Edge, field: str, value: str) -> None:
    answer = await api.post("/api/register/", json=registration(**{field: value}))
    assert [error["field"] for error in problem(answer, 400, "invalid-request")["errors"]] == [field]


async def test_refresh_token_is_exchanged_for_a_new_pair(api: Edge) -> None:
    first = (await api.post("/api/token/", json=await registered(api))).json()
    second = await api.post("/api/token/refresh/", json={"refresh": first["refresh"]})
    assert second.status_code == 200
    assert second.json()["refresh"] != first["refresh"]
    headers = {"Authorization": f"Bearer {second.json()['access']}"}
    assert (await api.get(PROTECTED, headers=headers)).status_code == 200


async def test_client_with_an_expired_access_token_can_refresh(api: Edge) -> None:
    pair = (await api.post("/api/token/", json=await registered(api))).json()
    headers = {"Authorization": "Bearer expired"}
    answer = await api.post("/api/token/refresh/", json={"refresh": pair["refresh"]}, headers=headers)
    assert answer.status_code == 200


async def test_unknown_refresh_token_is_refused(api: Edge) -> None:
    problem(await api.post("/api/token/refresh/", json={"refresh": "x.y"}), 401, "bad-refresh-token")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x", "Basic YTpi", "x", "", "Bearer a.b.c", "bearer " + "x" * 6000]
)
async def test_bad_token_is_never_taken_for_no_token(api: Edge, header: str) -> None:
    answer = await api.get(PROTECTED, headers={"Authorization": header})
    problem(answer, 401, "bad-token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pok", error="invalid_token"'


async def test_genuine_token_of_an_unknown_session_is_refused(api: Edge) -> None:
    answer = await api.get(PROTECTED, headers=bearer(str(uuid.uuid4()), str(uuid.uuid4())))
    problem(answer, 401, "session-ended")


async def test_token_of_one_account_does_not_open_the_session_of_another(api: Edge, service: Service) -> None:
    await api.post("/api/token/", json=await registered(api))
    (session,) = await service.sql("select id from session order by create_time desc limit 1")
    problem(await api.get(PROTECTED, headers=bearer(str(uuid.uuid4()), str(session["id"]))), 401, "bad-token")


async def test_any_configured_key_opens_the_door(api: Edge, service: Service) -> None:
    await api.post("/api/token/", json=await registered(api))
    (session,) = await service.sql("select id, account_id from session order by create_time desc limit 1")
    headers = bearer(str(session["account_id"]), str(session["id"]), keys="old:" + "o" * 32)
    assert (await api.get(PROTECTED, headers=headers)).status_code == 200


@pytest.mark.parametrize(("role", "status"), [("anonymous", 401), ("user", 403), ("support", 404), ("admin", 404)])
async def test_only_staff_change_inquiries(api: Edge, headers_of: Login, role: str, status: int) -> None:
    path = f"/api/inquiries/{uuid.uuid4()}/"
    answer = await api.patch(path, json={"status": "open"}, headers=await headers_of(role))
    assert answer.status_code == status, answer.text
