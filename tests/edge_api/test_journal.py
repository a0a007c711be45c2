"""The audit log and the timelines over HTTP, and the files in which the log is exported."""

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pok.account.v1 import account_pb2
from pok.inquiry.v1 import audit_pb2

from runtime.rpc.errors import Unavailable
from tests.edge_api.conftest import Newcomer
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.inquiry import Service

AUDIT, EXPORT = "/api/audit/", "/api/audit/export/"
COLUMNS = ["number", "create_time", "action", "outcome", "actor_id", "target", "address", "request_id", "detail"]


@pytest.fixture
async def target(service: Service) -> str:
    """What three entries are about; one of them would be a formula in a spreadsheet."""
    name = f"=HYPERLINK({uuid.uuid4().hex})"
    for number in range(3):
        await service.sql(
            """insert into audit (action, outcome, target, address, detail)
            values ($1, 'ok', $2, '::1', $3::text::jsonb)""",
            "session.create" if number else "setting.update",
            name,
            json.dumps({"before": 0.5, "after": "ñ, \"'\n"}),
        )
    return name


async def test_entries_are_listed_by_filter_and_page(api: Edge, newcomer: Newcomer, target: str) -> None:
    admin = await newcomer("admin")
    query: dict[str, str | int] = {"target": target, "action": "session.create,setting.update", "page_size": 2}
    first = (await api.get(AUDIT, params=query, headers=admin)).json()
    assert [entry["action"] for entry in first["items"]] == ["session.create", "session.create"]
    assert list(first["items"][0]) == COLUMNS
    assert first["items"][0]["detail"] == {"before": 0.5, "after": "ñ, \"'\n"}
    second = (await api.get(AUDIT, params={**query, "page_token": first["next_page_token"]}, headers=admin)).json()
    assert [entry["action"] for entry in second["items"]] == ["setting.update"]
    assert second["next_page_token"] is None


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [("2020-01-01T00:00:00Z", "", 3), ("", "2020-01-01T00:00:00+02:00", 0), ("2999-12-31T23:59:59Z", "", 0)],
)
async def test_entries_are_found_by_time(
    api: Edge, newcomer: Newcomer, target: str, since: str, until: str, count: int
) -> None:
    times = {name: value for name, value in {"since": since, "until": until}.items() if value}
    listed = await api.get(AUDIT, params={"target": target, **times}, headers=await newcomer("admin"))
    assert len(listed.json()["items"]) == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "2026-11-22T09:30:00"),
        ("since", "yesterday"),
        ("since", "0.5"),
        ("since", "2026-13-22T09:30:00Z"),
        ("until", "0001-01-01T00:00:00+14:00"),
        ("outcome", "bad"),
        ("actor_id", "me"),
        ("format", "xls"),
    ],
)
async def test_wrong_filter_is_named(api: Edge, newcomer: Newcomer, name: str, value: str) -> None:
    answer = await api.get(EXPORT, params={name: value}, headers=await newcomer("admin"))
    assert [error["field"] for error in problem(answer, 400, "invalid-request")["errors"]] == [name]


async def test_spreadsheet_gets_every_entry_and_no_formula(api: Edge, newcomer: Newcomer, target: str) -> None:
    answer = await api.get(EXPORT, params={"target": target}, headers=await newcomer("admin"))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="pok-audit-2')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert header == COLUMNS
    assert [row[header.index("action")] for row in rows] == ["session.create", "session.create", "setting.update"]
    assert {row[header.index("target")] for row in rows} == {f"'{target}"}
    assert {row[header.index("actor_id")] for row in rows} == {""}
    assert json.loads(rows[0][header.index("detail")]) == {"before": 0.5, "after": "ñ, \"'\n"}


async def test_programs_get_one_object_per_line(api: Edge, newcomer: Newcomer, target: str) -> None:
    admin = await newcomer("admin")
    answer = await api.get(EXPORT, params={"target": target, "format": "jsonl"}, headers=admin)
    assert answer.headers["Content-Type"] == "application/jsonl"
    listed = (await api.get(AUDIT, params={"target": target}, headers=admin)).json()["items"]
    assert [json.loads(line) for line in answer.text.splitlines()] == listed


async def test_export_of_nothing_is_a_file_with_its_columns(api: Edge, newcomer: Newcomer) -> None:
    answer = await api.get(EXPORT, params={"target": uuid.uuid4().hex}, headers=await newcomer("admin"))
    assert answer.content.decode("utf-8-sig") == ",".join(COLUMNS) + "\r\n"


class Cut(BackendStub):
    """An inquiry service whose export fails after its first batch, or before it."""

    def __init__(self, *, batches: int) -> None:
        super().__init__()
        self._batches = batches
        self.sessions["s1"] = account_pb2.Account(id="a1", role=account_pb2.ROLE_ADMIN)

    async def ExportAuditEntries(self, request: Any, context_: Any) -> AsyncIterator[Any]:
        for _ in range(self._batches):
            yield audit_pb2.ExportAuditEntriesResponse(entries=[audit_pb2.AuditEntry(outcome="ok", detail_json="{}")])
        raise Unavailable("The database does not answer at the moment.")


@pytest.mark.parametrize("batches", [0, 1])
async def test_export_that_fails_never_looks_whole(batches: int) -> None:
    stub = Cut(batches=batches)
    await stub.start()
    async with edge(stub.address) as api:
        if batches:
            with pytest.raises(httpx.RemoteProtocolError):
                await api.get(EXPORT, headers=bearer("a1", "s1"))
        else:
            problem(await api.get(EXPORT, headers=bearer("a1", "s1")), 503, "unavailable")
    await stub.stop()


async def test_timeline_says_who_changed_what(api: Edge, newcomer: Newcomer) -> None:
    inquiry = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "m"}
    path = (await api.post("/api/inquiries/create/", json=inquiry)).headers["Location"]
    support = await newcomer("support")
    await api.patch(path, json={"status": "open", "add_tags": ["vip"]}, headers=support)
    events = (await api.get(f"{path}events/", headers=support)).json()
    me = (await api.get("/api/me/", headers=support)).json()["id"]
    assert [(event["kind"], event["actor"], event["version"]) for event in events["items"]] == [
        ("inquiry_created", "customer", 1),
        ("inquiry_updated", "agent", 2),
    ]
    last = events["items"][1]
    assert (last["actor_id"], last["changes"], last["detail"]) == (
        me,
        {"status": ["new", "open"]},
        {"tags_changed": True},
    )
    assert events["next_page_token"] is None
    page = (await api.get(f"{path}events/", params={"page_size": 1}, headers=support)).json()
    rest = await api.get(f"{path}events/", params={"page_token": page["next_page_token"]}, headers=support)
    assert page["items"] + rest.json()["items"] == events["items"]


async def test_erased_inquiry_is_gone(api: Edge, newcomer: Newcomer) -> None:
    inquiry = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "m"}
    path = (await api.post("/api/inquiries/create/", json=inquiry)).headers["Location"]
    admin = await newcomer("admin")
    answer = await api.delete(path, headers=admin)
    assert (answer.status_code, answer.content) == (204, b"")
    for call in (api.get(path), api.get(f"{path}events/", headers=admin), api.delete(path, headers=admin)):
        problem(await call, 404, "not-found")
