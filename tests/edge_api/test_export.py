"""Exports are whole, inert in a spreadsheet, and can be imported elsewhere without loss."""

import contextlib
import csv
import io
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from pok.account.v1 import account_pb2
from pok.inquiry.v1 import inquiry_pb2, transfer_pb2

from runtime.rpc.errors import Unavailable
from tests.edge_api.conftest import Newcomer, newcomer_of
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.inquiry import Service, inquiry_service
from tests.support.servers import PostgresServer, ValkeyServer

EXPORT, IMPORT = "/api/inquiries/export/", "/api/inquiries/import/"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
SCRIPT = "alert(document.domain)"
PAYLOADS = [
    *(
        f"{sign}{rest}"
        for sign in "=+-@＝＋－＠"
        for rest in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://127.0.0.1")')
    ),
    *(f"'{sign}1" for sign in "=+-@"),
    *(
        "''=1",
        "'quoted'",
        '"=1+1"',
        '";=1+1',
        ",=1+1",
        ";=1+1",
        "a\n=1+1",
        "a\r\n=1+1",
        'a",=1+1,"',
        "=1+1\t",
        "%0A=1+1",
    ),
    f"<script>{SCRIPT}</script>",
    f"<img src=x onerror={SCRIPT}>",
    f"<svg/onload={SCRIPT}>",
    f"javascript:{SCRIPT}",
    f"<a href='javascript:{SCRIPT}'>x</a>",
    f"</title><script>{SCRIPT}</script>",
    f"]]><script>{SCRIPT}</script>",
    f"<!--<script>{SCRIPT}//-->",
    f"<iframe srcdoc='<script>{SCRIPT}</script>'>",
    f"${{{SCRIPT}}}",
    f"{{{{constructor.constructor('{SCRIPT}')()}}}}",
    f"\u202e<script>{SCRIPT}</script>",
    f"<scr\u200bipt>{SCRIPT}</scr\u200bipt>",
    "{}",
    "[]",
    '["a"]',
    "null",
    "\\u0000",
    "\\",
    "'",
    'DDE ("cmd";"/C calc";"x")',
    "ñandú 🦊 日本語",
]
"""At least 60, each of which some program takes for more than a text."""

Installation = tuple[Edge, Service, dict[str, str]]


@contextlib.asynccontextmanager
async def installation(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Installation]:
    """An installation of its own, with an admin."""
    async with (
        inquiry_service(await postgres.migrated(), valkey.empty()) as service,
        edge(f"127.0.0.1:{service.port}") as api,
    ):
        yield api, service, await newcomer_of(service, "admin")


@pytest.fixture
async def here(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Installation]:
    """Where the inquiries are."""
    async with installation(postgres, valkey) as running:
        yield running


@pytest.fixture
async def there(postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Installation]:
    """Where they are to go."""
    async with installation(postgres, valkey) as running:
        yield running


async def exported(of: Installation, **query: str) -> str:
    api, _, admin = of
    answer = (await api.get(EXPORT, params=query, headers=admin)).raise_for_status()
    return answer.content.decode("utf-8-sig")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def hostile(of: Installation) -> list[str]:
    """Inquiries whose every text is a payload; their ids."""
    api, _, admin = of
    rows = []
    for number, payload in enumerate(PAYLOADS):
        texts = {"external_id": f"{payload} {number}", "customer_name": payload, "subject": payload, "message": payload}
        rows.append({**texts, "customer_email": "-1+1@example.org", "tags": [payload[:50]]})
    body = "\n".join(json.dumps(row) for row in rows).encode()
    answer = await api.post(IMPORT, content=body, headers={**admin, "Content-Type": "application/jsonl"})
    assert answer.json() == {"imported": len(PAYLOADS), "repeated": 0, "rejected": []}
    return [json.loads(line)["id"] for line in (await exported(of, format="jsonl")).splitlines()]


async def test_no_cell_is_a_formula_whatever_customers_write(here: Installation) -> None:
    await hostile(here)
    text = await exported(here)
    rows = table(text)
    assert len(rows) == len(PAYLOADS) >= 60
    for row in csv.reader(io.StringIO(text, newline="")):
        for column, cell in zip(rows[0], row, strict=True):
            assert not cell.startswith(FORMULAS), f"{column}: {cell!r}"


async def test_programs_get_texts_as_they_are(here: Installation) -> None:
    await hostile(here)
    lines = [json.loads(line) for line in (await exported(here, format="jsonl")).splitlines()]
    assert [line["message"] for line in lines] == [payload.strip() for payload in PAYLOADS]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
async def test_export_can_be_imported_elsewhere_without_loss(
    here: Installation, there: Installation, format_: str
) -> None:
    await hostile(here)
    api, service, admin = here
    inquiry = {"customer_name": "Ana", "customer_email": "ana@example.org", "subject": "s", "message": "a\r\nb"}
    path = (await api.post("/api/inquiries/create/", json=inquiry)).headers["Location"]
    change = {"status": "closed", "category": "billing_payment", "priority": "urgent", "add_tags": ["a;b", "c|d"]}
    (await api.patch(path, json=change, headers=admin)).raise_for_status()
    await service.sql(
        "update inquiry set language = 'pt-BR', create_time = '2025-03-01T09:30:00.123456Z' where number = 1001"
    )
    content = (await api.get(EXPORT, params={"format": format_}, headers=admin)).content
    other, _, its_admin = there
    kind = {"csv": "text/csv", "jsonl": "application/jsonl"}[format_]
    answer = await other.post(IMPORT, content=content, headers={**its_admin, "Content-Type": kind})
    assert answer.json() == {"imported": len(PAYLOADS) + 1, "repeated": 0, "rejected": []}
    assert await carried(there) == await carried(here)
    again = await api.post(IMPORT, content=content, headers={**admin, "Content-Type": kind})
    assert again.json() == {"imported": 0, "repeated": len(PAYLOADS) + 1, "rejected": []}


async def carried(of: Installation) -> list[dict[str, Any]]:
    """What a file carries of each inquiry from one installation to another."""
    names = (
        *("customer_name", "customer_email", "subject", "message", "status", "category", "priority", "language"),
        *("tags", "create_time"),
    )
    lines = [json.loads(line) for line in (await exported(of, format="jsonl")).splitlines()]
    found = [
        {"external_id": line["external_id"] or line["id"], **{name: line[name] for name in names}} for line in lines
    ]
    return sorted(found, key=lambda inquiry: str(inquiry["external_id"]))


async def test_export_takes_the_filters_of_the_list(here: Installation) -> None:
    ids = await hostile(here)
    api, _, admin = here
    await api.patch(f"/api/inquiries/{ids[3]}/", json={"status": "resolved"}, headers=admin)
    assert [row["id"] for row in table(await exported(here, status="resolved,closed"))] == [ids[3]]
    assert table(await exported(here, status="resolved", category="billing_payment")) == []
    assert (await exported(here, status="spam", format="jsonl")) == ""
    refused = await api.get(EXPORT, params={"status": "sad"}, headers=admin)
    assert [error["field"] for error in problem(refused, 400, "invalid-request")["errors"]] == ["status"]


async def test_changes_are_told_page_by_page(here: Installation) -> None:
    api, service, admin = here
    changes = partial(api.get, EXPORT, headers=admin)
    ids = await hostile(here)
    told: list[str] = []
    page: dict[str, Any] = {"after": "", "end_of_stream": False}
    while not page["end_of_stream"]:
        page = (await changes(params={"format": "json", "page_size": 40, "after": page["after"]})).json()
        assert page["erased_ids"] == []
        told += [item["id"] for item in page["items"]]
    assert told == ids
    await api.delete(f"/api/inquiries/{ids[0]}/", headers=admin)
    after = (await changes(params={"format": "json", "after": page["after"]})).json()
    assert (after["items"], after["erased_ids"]) == ([], [ids[0]])
    await service.sql("update feed set epoch = 'another'")
    problem(await changes(params={"format": "json", "after": after["after"]}), 409, "feed-restarted")
    problem(await changes(params={"format": "json", "after": "bmV4dA"}), 400, "bad-page-token")


@pytest.mark.parametrize("query", [{"format": "json", "status": "new"}, {"format": "csv", "after": "x"}])
async def test_filters_go_with_files_and_positions_with_changes(
    api: Edge, newcomer: Newcomer, query: dict[str, str]
) -> None:
    problem(await api.get(EXPORT, params=query, headers=await newcomer("admin")), 400, "invalid-request")


async def test_export_has_a_name_and_is_recorded(api: Edge, newcomer: Newcomer) -> None:
    admin = await newcomer("admin")
    answer = await api.get(EXPORT, params={"status": "spam"}, headers=admin)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="pok-inquiries-2')
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    me = (await api.get("/api/me/", headers=admin)).json()["id"]
    (entry,) = (await api.get("/api/audit/", params={"actor_id": me}, headers=admin)).json()["items"]
    assert (entry["action"], entry["detail"]["status"]) == ("inquiry.export", ["spam"])


class Cut(BackendStub):
    """An inquiry service whose export fails after its first batch."""

    async def ExportInquiries(self, request: Any, context_: Any) -> AsyncIterator[transfer_pb2.ExportInquiriesResponse]:
        states = {"status": inquiry_pb2.INQUIRY_STATUS_NEW, "triage_state": inquiry_pb2.TRIAGE_STATE_DONE}
        yield transfer_pb2.ExportInquiriesResponse(inquiries=[inquiry_pb2.Inquiry(id="1", **states)])  # type: ignore[arg-type]
        raise Unavailable("The database does not answer at the moment.")


async def test_export_that_breaks_off_never_looks_whole() -> None:
    stub = Cut()
    stub.sessions["s1"] = account_pb2.Account(id="a1", role=account_pb2.ROLE_ADMIN)
    await stub.start()
    async with edge(stub.address) as api:
        with pytest.raises(httpx.RemoteProtocolError):
            await api.get(EXPORT, headers=bearer("a1", "s1"))
    await stub.stop()
