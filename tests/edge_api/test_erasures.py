"""Erasing a person over HTTP."""

import asyncio
from typing import Any

from tests.edge_api.conftest import Newcomer
from tests.support.edge import Edge, problem
from tests.support.inquiry import Service

ERASURES = "/api/erasures/"
SECONDS = 30


async def over(api: Edge, admin: dict[str, str], path: str) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        while True:
            job: dict[str, Any] = (await api.get(path, headers=admin)).raise_for_status().json()
            if job["state"] != "running":
                return job
            await asyncio.sleep(0.05)


async def test_person_is_erased_by_address(api: Edge, newcomer: Newcomer) -> None:
    admin = await newcomer("admin")
    inquiry = {"customer_name": "Bea", "customer_email": "Bea@Example.net", "subject": "s", "message": "m"}
    paths = [(await api.post("/api/inquiries/create/", json=inquiry)).headers["Location"] for _ in range(3)]
    answer = await api.post(ERASURES, json={"customer_email": "bea@example.net"}, headers=admin)
    job = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/jobs/{job['id']}/")
    assert (job["kind"], job["state"], job["done"], job["total"]) == ("erasure", "running", 0, 3)
    job = await over(api, admin, answer.headers["Location"])
    assert (job["state"], job["done"], job["total"]) == ("done", 3, 3)
    for path in paths:
        problem(await api.get(path), 404, "not-found")
    log = await api.get("/api/audit/", params={"target": job["id"]}, headers=admin)
    assert [entry["action"] for entry in log.json()["items"]] == ["erasure.finish", "erasure.create"]
    assert "bea" not in log.text.lower()


async def test_erased_account_is_logged_out(api: Edge, newcomer: Newcomer, service: Service) -> None:
    customer, admin = await newcomer("user"), await newcomer("admin")
    me = (await api.get("/api/me/", headers=customer)).json()["id"]
    (await api.post(ERASURES, json={"account_id": me}, headers=admin)).raise_for_status()
    async with asyncio.timeout(SECONDS):
        while (answer := await api.get("/api/me/", headers=customer)).is_success:  # noqa: ASYNC110 - sessions are cached
            await asyncio.sleep(0.05)
    problem(answer, 401, "session-ended")


async def test_staff_are_not_erased(api: Edge, newcomer: Newcomer) -> None:
    admin = await newcomer("admin")
    me = (await api.get("/api/me/", headers=admin)).json()["id"]
    problem(await api.post(ERASURES, json={"account_id": me}, headers=admin), 409, "staff-account")


async def test_whom_to_erase_must_be_said(api: Edge, newcomer: Newcomer) -> None:
    admin = await newcomer("admin")
    for body in ({}, {"customer_email": "bea"}, {"account_id": "me"}, {"customer_email": None}):
        problem(await api.post(ERASURES, json=body, headers=admin), 400, "invalid-request")


async def test_job_that_is_not_there_is_not_found(api: Edge, newcomer: Newcomer) -> None:
    admin = await newcomer("admin")
    for id_ in ("0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f", "me"):
        problem(await api.get(f"/api/jobs/{id_}/", headers=admin), 404, "not-found")
