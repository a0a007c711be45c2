"""People look after their own account over HTTP; whoever is sent out is out on every edge within 5 s."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.edge_api.conftest import PASSWORD, Newcomer
from tests.support.edge import Edge, edge, problem
from tests.support.inquiry import Service
from tests.support.servers import ValkeyServer

ME, SESSIONS, REVOKE = "/api/me/", "/api/me/sessions/", "/api/token/revoke/"
WITHIN = 5.0


class Person:
    """Somebody with an account, logged in."""

    def __init__(self, account_id: str, email: str, pair: dict[str, Any]) -> None:
        self.id = account_id
        self.email = email
        self.refresh = pair["refresh"]
        self.headers = {"Authorization": f"Bearer {pair['access']}"}


async def log_in(api: Edge, email: str, password: str = PASSWORD) -> Person:
    answer = await api.post("/api/token/", json={"email": email, "password": password})
    pair = answer.raise_for_status().json()
    person = Person("", email, pair)
    person.id = (await api.get(ME, headers=person.headers)).json()["id"]
    return person


@pytest.fixture
async def person(api: Edge) -> Person:
    email = f"{uuid.uuid4().hex}@example.org"
    await api.post("/api/register/", json={"email": email, "password": PASSWORD, "name": "Ana"})
    return await log_in(api, email)


@pytest.fixture(scope="module")
async def other_edge(service: Service) -> AsyncIterator[Edge]:
    """A second edge process before the same inquiry service."""
    async with edge(f"127.0.0.1:{service.port}") as client:
        yield client


async def refusal(client: Edge, headers: dict[str, str]) -> httpx.Response:
    """The answer that ends an access token's life, once it comes."""
    while (answer := await client.get(ME, headers=headers)).is_success:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.1)
    return answer


async def must_be_out(person: Person, *edges: Edge) -> None:
    """Within 5 s no edge takes the access token any more; the refresh token is dead at once."""
    async with asyncio.timeout(WITHIN):
        for answer in await asyncio.gather(*(refusal(client, person.headers) for client in edges)):
            problem(answer, 401, "session-ended")
    answer = await edges[0].post("/api/token/refresh/", json={"refresh": person.refresh})
    problem(answer, 401, "bad-refresh-token")


async def sent_out(api: Edge, person: Person, admin: dict[str, str], way: str) -> httpx.Response:
    """What the API answers to one way of being sent out."""
    user = f"/api/users/{person.id}/"
    match way:
        case "log out":
            return await api.post(REVOKE, json={"refresh": person.refresh})
        case "log out everywhere":
            return await api.delete(SESSIONS, headers=person.headers)
        case "removal":
            return await api.delete(user, headers=admin)
    return await api.patch(user, json=CHANGES[way], headers=admin)


CHANGES = {
    "another role": {"role": "support"},
    "deactivation": {"active": False},
    "another password": {"password": "another password"},
}


@pytest.mark.parametrize("way", ["log out", "log out everywhere", "removal", *CHANGES])
async def test_whoever_is_out_is_out_on_every_edge_within_5_seconds(
    api: Edge, other_edge: Edge, newcomer: Newcomer, person: Person, way: str
) -> None:
    for client in (api, other_edge):  # both remember the session now
        assert (await client.get(ME, headers=person.headers)).status_code == 200
    (await sent_out(api, person, await newcomer("admin"), way)).raise_for_status()
    await must_be_out(person, api, other_edge)


async def test_new_password_ends_the_other_sessions_and_keeps_this_one(api: Edge, person: Person) -> None:
    other = await log_in(api, person.email)
    change = {"password": "otra contraseña", "current_password": PASSWORD}
    assert (await api.patch(ME, json=change, headers=person.headers)).status_code == 200
    await must_be_out(other, api)
    assert (await api.get(ME, headers=person.headers)).status_code == 200
    await log_in(api, person.email, "otra contraseña")


async def test_people_read_and_change_their_own_account(api: Edge, person: Person) -> None:
    before = (await api.get(ME, headers=person.headers)).json()
    assert {name: before[name] for name in ("email", "name", "role", "language", "active")} == {
        "email": person.email,
        "name": "Ana",
        "role": "user",
        "language": "es",
        "active": True,
    }
    after = await api.patch(ME, json={"name": " Ana Ruiz ", "language": "en"}, headers=person.headers)
    assert after.json() == {**before, "name": "Ana Ruiz", "language": "en"}


async def test_wrong_present_password_is_a_field_error(api: Edge, person: Person) -> None:
    change = {"password": "otra contraseña", "current_password": "wrong"}
    answer = await api.patch(ME, json=change, headers=person.headers)
    assert [error["field"] for error in problem(answer, 400, "wrong-password")["errors"]] == ["current_password"]


async def test_new_password_without_the_present_one_is_refused(api: Edge, person: Person) -> None:
    answer = await api.patch(ME, json={"password": "otra contraseña"}, headers=person.headers)
    problem(answer, 400, "wrong-password")


async def test_present_password_alone_changes_nothing_and_is_refused(api: Edge, person: Person) -> None:
    answer = await api.patch(ME, json={"current_password": PASSWORD}, headers=person.headers)
    assert [error["field"] for error in problem(answer, 400, "invalid-request")["errors"]] == ["current_password"]


async def test_stolen_access_token_cannot_guess_the_password(service: Service, valkey: ValkeyServer) -> None:
    settings = {"POK_RATE_LIMITS": "on", "POK_REDIS_URL": valkey.empty(), "POK_RATE_REGISTRATION": "1000/h"}
    async with edge(f"127.0.0.1:{service.port}", **settings) as api:
        email = f"{uuid.uuid4().hex}@example.org"
        await api.post("/api/register/", json={"email": email, "password": PASSWORD, "name": "Ana"})
        person = await log_in(api, email)
        guess = {"password": "otra contraseña", "current_password": "wrong"}
        answers = [await api.patch(ME, json=guess, headers=person.headers) for _ in range(6)]
        assert [answer.status_code for answer in answers[:5]] == [400] * 5
        problem(answers[5], 429, "rate-limited")
        other_fields = await api.patch(ME, json={"name": "Eva"}, headers=person.headers)
        assert other_fields.status_code == 200


async def test_sessions_are_listed_and_ended_one_by_one(api: Edge, person: Person) -> None:
    other = await log_in(api, person.email)
    listed = (await api.get(SESSIONS, headers=person.headers)).json()["items"]
    assert [session["current"] for session in listed] == [False, True]
    assert {session["address"] for session in listed} == {"127.0.0.1"}
    path = f"{SESSIONS}{listed[0]['id']}/"
    assert (await api.delete(path, headers=person.headers)).status_code == 204
    problem(await api.delete(path, headers=person.headers), 404, "not-found")
    await must_be_out(other, api)
    assert (await api.get(ME, headers=person.headers)).status_code == 200


async def test_unknown_refresh_token_is_revoked_like_any_other(api: Edge) -> None:
    answer = await api.post(REVOKE, json={"refresh": "unknown"})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_browser_logs_out_by_its_cookie_which_is_taken_away(api: Edge, person: Person) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    body = {"email": person.email, "password": PASSWORD, "cookie": True}
    opened = await api.post("/api/token/", json=body, headers=own)
    cookie = {"Cookie": f"__Host-pok_refresh={opened.cookies['__Host-pok_refresh']}"}
    api.cookies.clear()
    foreign = await api.post(REVOKE, json={}, headers={**cookie, "Sec-Fetch-Site": "cross-site"})
    problem(foreign, 403, "not-same-origin")
    answer = await api.post(REVOKE, json={"everywhere": True}, headers={**cookie, **own})
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    await must_be_out(person, api)
