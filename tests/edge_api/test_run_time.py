"""Admins change settings over HTTP, and they act without a restart."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.support.edge import Edge, edge, problem
from tests.support.inquiry import inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

SETTINGS, LIST = "/api/settings/", "/api/inquiries/"


@pytest.fixture
async def own(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[tuple[Edge, Newcomer]]:
    """An installation of this test's own; its threshold is pinned."""
    settings = {"confidence_threshold": 0.8}
    async with (
        inquiry_service(await postgres.migrated(), valkey.empty(), **settings) as service,
        edge(f"127.0.0.1:{service.port}") as api,
    ):
        yield api, partial(newcomer_of, service)


async def test_public_reads_are_switched_off_and_on_again(own: tuple[Edge, Newcomer]) -> None:
    api, newcomer = own
    admin = await newcomer("admin")
    changed = await api.patch(f"{SETTINGS}public_read/", json={"value": False}, headers=admin)
    me = (await api.get("/api/me/", headers=admin)).json()["id"]
    assert changed.json().items() >= {"key": "public_read", "value": False, "default": True, "updater_id": me}.items()
    problem(await api.get(LIST), 401, "public-read-off")
    for role in ("user", "support"):
        assert (await api.get(LIST, headers=await newcomer(role))).status_code == 200
    reset = await api.delete(f"{SETTINGS}public_read/", headers=admin)
    assert reset.json().items() >= {"value": True, "update_time": None, "updater_id": None}.items()
    assert (await api.get(LIST)).status_code == 200


async def test_pinned_setting_is_shown_as_such_and_refused(own: tuple[Edge, Newcomer]) -> None:
    api, newcomer = own
    admin = await newcomer("admin")
    items = (await api.get(SETTINGS, headers=admin)).json()["items"]
    assert {item["key"]: (item["value"], item["pinned"]) for item in items} == {
        "ai_provider": ("auto", False),
        "confidence_threshold": (0.8, True),
        "daily_spend_cap": (None, False),
        "public_read": (True, False),
        "retention_days": (None, False),
    }
    path = f"{SETTINGS}confidence_threshold/"
    answers = await asyncio.gather(api.patch(path, json={"value": 0.1}, headers=admin), api.delete(path, headers=admin))
    for answer in answers:
        problem(answer, 409, "setting-pinned")


async def test_wrong_value_and_unknown_setting_are_told(own: tuple[Edge, Newcomer]) -> None:
    api, newcomer = own
    admin = await newcomer("admin")
    wrong = await api.patch(f"{SETTINGS}ai_provider/", json={"value": "gpt"}, headers=admin)
    assert [error["field"] for error in problem(wrong, 400, "invalid-request")["errors"]] == ["value"]
    values: list[Any] = [10**400, 10**300, "x" * 1000, [], {}]
    for value in values:
        problem(
            await api.patch(f"{SETTINGS}daily_spend_cap/", json={"value": value}, headers=admin), 400, "invalid-request"
        )
    problem(await api.patch(f"{SETTINGS}nothing/", json={"value": 1}, headers=admin), 404, "not-found")
    without_cap = await api.patch(f"{SETTINGS}daily_spend_cap/", json={"value": None}, headers=admin)
    assert without_cap.json()["value"] is None
