"""Browsers keep the refresh token where scripts cannot read it, and only our own pages can use it."""

import uuid
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest

from edge_api.cookies import NAME
from tests.edge_api.conftest import PASSWORD
from tests.support.edge import Edge, problem

OURS = {"Sec-Fetch-Site": "same-origin"}
LONGEST_SESSION = 30 * 24 * 3600


def cookie_of(answer: httpx.Response) -> "Morsel[str]":
    (header,) = answer.headers.get_list("Set-Cookie")
    parsed: SimpleCookie = SimpleCookie(header)
    assert list(parsed) == [NAME]
    morsel = parsed[NAME]
    assert (morsel["path"], morsel["samesite"].lower(), morsel["domain"]) == ("/", "strict", "")
    assert morsel["secure"] and morsel["httponly"]
    return morsel


def sending(token: str, **headers: str) -> dict[str, str]:
    return {"Cookie": f"{NAME}={token}", **headers}


@pytest.fixture
async def credentials(api: Edge) -> dict[str, str]:
    body = {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD}
    (await api.post("/api/register/", json={**body, "name": "Ana"})).raise_for_status()
    return body


@pytest.fixture
async def cookie(api: Edge, credentials: dict[str, str]) -> str:
    """The refresh token in the cookie of a fresh session."""
    return cookie_of(await api.post("/api/token/", json={**credentials, "cookie": True}, headers=OURS)).value


async def test_browser_gets_the_refresh_token_in_a_cookie_alone(api: Edge, credentials: dict[str, str]) -> None:
    answer = await api.post("/api/token/", json={**credentials, "cookie": True}, headers=OURS)
    assert answer.json()["refresh"] == ""
    kept = cookie_of(answer)
    assert kept.value
    assert 0 < int(kept["max-age"]) <= LONGEST_SESSION


async def test_other_clients_get_it_in_the_answer_alone(api: Edge, credentials: dict[str, str]) -> None:
    answer = await api.post("/api/token/", json=credentials)
    assert answer.json()["refresh"]
    assert "Set-Cookie" not in answer.headers


async def test_cookie_is_exchanged_for_the_next(api: Edge, cookie: str) -> None:
    answer = await api.post("/api/token/refresh/", json={}, headers=sending(cookie, **OURS))
    assert answer.status_code == 200
    assert answer.json()["refresh"] == ""
    assert cookie_of(answer).value != cookie
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert (await api.get("/api/inquiries/", headers=headers)).status_code == 200


async def test_token_in_the_body_goes_before_the_cookie(api: Edge, credentials: dict[str, str], cookie: str) -> None:
    sent = (await api.post("/api/token/", json=credentials)).json()["refresh"]
    answer = await api.post("/api/token/refresh/", json={"refresh": sent}, headers=sending(cookie))
    assert answer.json()["refresh"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    ],
)
async def test_cookie_works_for_our_own_pages_only(api: Edge, cookie: str, headers: dict[str, str]) -> None:
    own = str(api.base_url).rstrip("/")
    headers = {name: own if value == "OWN" else value for name, value in headers.items()}
    answer = await api.post("/api/token/refresh/", json={}, headers=sending(cookie, **headers))
    problem(answer, 403, "not-same-origin")
    assert "Set-Cookie" not in answer.headers
    body = {"email": "ana@example.org", "password": PASSWORD, "cookie": True}
    problem(await api.post("/api/token/", json=body, headers=headers), 403, "not-same-origin")


async def test_browser_without_fetch_metadata_proves_itself_by_its_origin(api: Edge, cookie: str) -> None:
    headers = sending(cookie, Origin=str(api.base_url).rstrip("/"))
    assert (await api.post("/api/token/refresh/", json={}, headers=headers)).status_code == 200


async def test_neither_token_nor_cookie_is_refused(api: Edge) -> None:
    problem(await api.post("/api/token/refresh/", json={}, headers=OURS), 401, "bad-refresh-token")
