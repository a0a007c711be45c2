"""Files are imported as they come, whatever is wrong with some rows, and may be sent again after a break."""

import asyncio
import csv
import io
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
from pok.account.v1 import account_pb2
from pok.inquiry.v1 import transfer_pb2

from edge_api import importing
from edge_api.sessions import MAX_AGE
from runtime.rpc import context
from runtime.rpc.errors import Unavailable
from tests.edge_api.conftest import Newcomer
from tests.support.backend_stub import BackendStub
from tests.support.edge import Edge, bearer, edge, problem
from tests.support.inquiry import Service

IMPORT = "/api/inquiries/import/"
HEADER = ["external_id", "customer_name", "customer_email", "subject", "message"]
MEGABYTE = 1024 * 1024


@pytest.fixture
def prefix() -> str:
    """What external ids of this test begin with."""
    return uuid.uuid4().hex


def of(prefix: str, number: int, **fields: Any) -> dict[str, Any]:
    """A row that is fine as it is."""
    texts = {
        "customer_name": "Ana Ruiz",
        "customer_email": "ana@example.org",
        "subject": "Cobro",
        "message": "Dos veces.",
    }
    return {"external_id": f"{prefix}-{number}", **texts, **fields}


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",", end: str = "\r\n") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, [*HEADER, *sorted({*rows[0]} - {*HEADER})], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def sent(
    api: Edge, headers: dict[str, str], content: bytes | AsyncIterator[bytes], kind: str = "text/csv", **query: str
) -> httpx.Response:
    headers = {**headers, "Content-Type": kind}
    return await api.post(IMPORT, content=content, headers=headers, params=query, timeout=100)


async def stored(service: Service, prefix: str) -> dict[str, Any]:
    """External id without the prefix → the inquiry with its message."""
    rows = await service.sql(
        """select i.*, m.body from inquiry i join message m on m.inquiry_id = i.id
        where external_id like $1 || '-%'""",
        prefix,
    )
    return {row["external_id"].removeprefix(f"{prefix}-"): row for row in rows}


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
async def test_csv_is_read_in_its_dialects(
    api: Edge, service: Service, newcomer: Newcomer, prefix: str, delimiter: str, end: str, mark: str
) -> None:
    message = 'Hola, "amigos";\r\n\r\nadiós\n'
    rows = [
        of(prefix, 1, message=message, tags="vip; b |ñ;", status="closed", create_time="2025-03-01T09:30:00+01:00"),
        of(prefix, 2, message="'=1+1", tags="", status="", create_time="2025-03-01 09:30"),
        of(prefix, 3, tags='["a;b", "c"]', status="new", create_time=""),
    ]
    answer = await sent(api, await newcomer("admin"), mark.encode() + as_csv(rows, delimiter, end))
    assert answer.json() == {"imported": 3, "repeated": 0, "rejected": []}
    assert answer.headers["Content-Type"] == "application/json"
    found = await stored(service, prefix)
    assert [found[number]["body"] for number in "123"] == [message.strip(), "=1+1", "Dos veces."]
    assert [found[number]["tags"] for number in "123"] == [["b", "vip", "ñ"], [], ["a;b", "c"]]
    assert [found[number]["status"] for number in "123"] == ["closed", "new", "new"]
    assert [found[number]["create_time"].isoformat() for number in "12"] == [
        "2025-03-01T08:30:00+00:00",
        "2025-03-01T09:30:00+00:00",
    ]


@pytest.mark.parametrize("kind", ["application/jsonl", "application/x-ndjson; charset=utf-8"])
async def test_json_lines_are_read(api: Edge, service: Service, newcomer: Newcomer, prefix: str, kind: str) -> None:
    rows = [
        of(prefix, 1, tags=["a;b", "c"], language="es", priority="high"),
        of(prefix, 2, status=None, message=" ñ\n"),
    ]
    answer = await sent(api, await newcomer("admin"), as_json_lines(rows).rstrip(), kind)
    assert answer.json() == {"imported": 2, "repeated": 0, "rejected": []}
    found = await stored(service, prefix)
    assert (found["1"]["tags"], found["1"]["priority"], found["2"]["body"]) == (["a;b", "c"], "high", "ñ")


async def test_rows_that_are_broken_are_told_and_stop_no_other(
    api: Edge, service: Service, newcomer: Newcomer, prefix: str
) -> None:
    good = f"{prefix}-%d,Ana,ana@example.org,s,m\n".encode()
    lines = [
        good % 1,
        b"too,few\n",
        b"x,Ana,ana@example.org,s,m,too many\n",
        good.replace(b"Ana", b"\xff") % 5,
        good.replace(b"Ana", b"A\x00") % 6,
        good.replace(b",s,", b",\xed\xa0\x80,") % 7,  # a lone surrogate
        good.replace(b",m", b"," + b"x" * 300_000) % 8,
        good.replace(b",m", b"," + b"x" * 20_001) % 9,
        good.replace(b"ana@", b"ana") % 10,
        good.replace(b"s,m", b'5" screen,m') % 11,
        good.replace(b",m", b',"open') % 12,
        good % 13,
    ]
    answer = (
        await sent(api, await newcomer("admin"), b",".join(map(str.encode, HEADER)) + b"\n" + b"".join(lines))
    ).json()
    assert answer["imported"] == len(await stored(service, prefix)) == 3
    reasons = {row["row"]: [error["field"] for error in row["errors"]] for row in answer["rejected"]}
    assert reasons == {
        **{number: [""] for number in (3, 4, 5, 7, 8, 12)},
        6: ["customer_name"],
        9: ["message"],
        10: ["customer_email"],
    }
    assert list(reasons) == sorted(reasons)


async def test_lines_that_are_broken_are_told_and_stop_no_other(api: Edge, newcomer: Newcomer, prefix: str) -> None:
    lines = [
        as_json_lines([of(prefix, 1)]),
        b"{\n",
        b"[]\n",
        b'{"a": 1, "a": 2}\n',
        b"[" * 100_000 + b"\n",
        b'{"message": "\\ud800"}\n',
        b'{"message": "\xff"}\n',
        as_json_lines([of(prefix, 8, subject="\x00")]),
        as_json_lines([of(prefix, 9, colour="red")]),
        as_json_lines([of(prefix, 10, subject=1, tags="vip")]),
        as_json_lines([of(prefix, 11, tags=[1], status="sad", create_time="yesterday")]),
        as_json_lines([of(prefix, 12, create_time="9999-12-31T23:59:59-14:00")]),
        as_json_lines([of(prefix, 13)]),
    ]
    answer = (await sent(api, await newcomer("admin"), b"".join(lines), "application/jsonl")).json()
    assert answer["imported"] == 2
    reasons = {row["row"]: [error["field"] for error in row["errors"]] for row in answer["rejected"]}
    assert reasons == {
        **{number: [""] for number in (2, 3, 4, 5, 7)},
        6: ["message"],
        8: ["subject"],
        9: ["colour"],
        10: ["subject"],
        11: ["status", "tags", "create_time"],
        12: ["create_time"],
    }


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"", []),
        (b"\na,b,c,d,e\n", []),
        (b"\xff\xfea\x00", []),
        (b"external_id,customer_name,customer_email,subject,message,colour,size\n", ["colour", "size"]),
        (b"external_id,customer_name,subject\n", ["customer_email", "message"]),
        (b"customer_name,customer_email,subject,message\n", ["external_id"]),
        (b"external_id,customer_name,customer_email,subject,message,message\n", ["message"]),
    ],
)
async def test_file_that_is_none_is_refused_before_anything_is_stored(
    api: Edge, newcomer: Newcomer, content: bytes, fields: list[str]
) -> None:
    answer = problem(await sent(api, await newcomer("admin"), content), 400, "invalid-request")
    assert [error["field"] for error in answer["errors"]] == fields


async def test_fields_that_are_not_known_are_refused_before_anything_is_stored(
    api: Edge, newcomer: Newcomer, prefix: str
) -> None:
    content = as_json_lines([of(prefix, 1, colour="red")])
    answer = problem(await sent(api, await newcomer("admin"), content, "application/jsonl"), 400, "invalid-request")
    assert [error["field"] for error in answer["errors"]] == ["colour"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_file_of_another_kind_is_refused(api: Edge, newcomer: Newcomer, kind: str) -> None:
    problem(await sent(api, await newcomer("admin"), b"{}", kind), 415, "unsupported-media-type")


async def test_imported_inquiries_are_analysed_on_request(
    api: Edge, service: Service, newcomer: Newcomer, prefix: str
) -> None:
    admin = await newcomer("admin")
    await sent(api, admin, as_csv([of(prefix, 1)]))
    await sent(api, admin, as_csv([of(prefix, 2)]), triage="true")
    problem(await sent(api, admin, as_csv([of(prefix, 3)]), triage="perhaps"), 400, "invalid-request")
    found = await stored(service, prefix)
    assert {number: row["triage_state"] for number, row in found.items()} == {"1": "done", "2": "queued"}


async def test_large_file_is_imported_in_bounded_memory_and_no_row_is_lost(
    api: Edge, service: Service, newcomer: Newcomer, prefix: str
) -> None:
    count, padding = 20_000, "Me han cobrado dos veces. " * 60

    async def file() -> AsyncIterator[bytes]:
        yield ",".join(HEADER).encode() + b"\n"
        for number in range(count):
            yield b"broken\n" if number % 10 == 3 else as_csv([of(prefix, number, message=padding)]).partition(b"\n")[2]

    edges = psutil.Process(api.process.pid)
    workers = edges.children() or [edges]
    most = before = max(worker.memory_info().rss for worker in workers)

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, *(worker.memory_info().rss for worker in workers))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    answer = (await sent(api, await newcomer("admin"), file())).json()
    watching.cancel()
    assert (answer["imported"], answer["repeated"], len(answer["rejected"])) == (18_000, 0, 2_000)
    assert [row["row"] for row in answer["rejected"]] == [number + 2 for number in range(count) if number % 10 == 3]
    (counted,) = await service.sql("select count(*) from inquiry where external_id like $1 || '-%'", prefix)
    assert counted["count"] == 18_000
    # The file has 32 MB.
    assert most - before < 24 * MEGABYTE


async def test_file_that_broke_off_may_be_sent_again(
    api: Edge, service: Service, newcomer: Newcomer, prefix: str
) -> None:
    admin = await newcomer("admin")
    rows = [of(prefix, number) for number in range(3000)]
    content = as_csv(rows)

    class LineCutError(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield content[: len(content) // 2]
        raise LineCutError

    with pytest.raises(LineCutError):
        await sent(api, admin, broken())
    again = (await sent(api, admin, content)).json()
    assert again["imported"] + again["repeated"] == 3000
    assert again["rejected"] == []
    assert len(await stored(service, prefix)) == 3000
    assert (await sent(api, admin, content)).json() == {"imported": 0, "repeated": 3000, "rejected": []}


class Recovering(BackendStub):
    """An inquiry service that is away for some calls, or from some call on."""

    def __init__(self, *, away: int, after: int = 0) -> None:
        super().__init__()
        self.away = away
        self.after = after
        self.rows = 0
        self.sessions["s1"] = account_pb2.Account(id="a1", role=account_pb2.ROLE_ADMIN)

    async def ImportInquiries(
        self, request: transfer_pb2.ImportInquiriesRequest, context_: Any
    ) -> transfer_pb2.ImportInquiriesResponse:
        call = context.current()
        assert call and call.deadline is not None, "each call has a deadline of its own"
        if self.after <= 0 and self.away > 0:
            self.away -= 1
            raise Unavailable("The database does not answer at the moment.")
        self.after -= 1
        self.rows += len(request.rows)
        return transfer_pb2.ImportInquiriesResponse(imported=len(request.rows))


async def test_import_outlasts_a_service_that_is_away_for_a_moment(prefix: str) -> None:
    stub = Recovering(away=2, after=1)
    await stub.start()
    async with edge(stub.address) as api:
        content = as_csv([of(prefix, number) for number in range(1200)])
        answer = await sent(api, bearer("a1", "s1"), content)
    await stub.stop()
    assert answer.json() == {"imported": 1200, "repeated": 0, "rejected": []}


async def test_import_that_gives_up_says_how_far_it_came_and_what_to_do(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PAUSES", (0.0, 0.0))

    async def given() -> AsyncIterator[transfer_pb2.ImportRow]:
        for number in range(1200):
            yield transfer_pb2.ImportRow(row=number)

    calls = 0

    async def send(rows: list[transfer_pb2.ImportRow]) -> transfer_pb2.ImportInquiriesResponse:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Unavailable("Away.")
        return transfer_pb2.ImportInquiriesResponse(imported=len(rows))

    with pytest.raises(Unavailable, match="500 rows are stored"):
        await importing.stored(given(), send)
    assert calls == 1 + 3


async def test_import_ends_with_the_session(service: Service, api: Edge, newcomer: Newcomer, prefix: str) -> None:
    admin = await newcomer("admin")

    async def file() -> AsyncIterator[bytes]:
        yield ",".join(HEADER).encode() + b"\n"
        for number in range(2000):
            yield as_csv([of(prefix, number)]).partition(b"\n")[2]
            if number == 1000:
                await api.delete("/api/me/sessions/", headers=admin)
                await asyncio.sleep(MAX_AGE)  # as long as the edge may take a session for live

    problem(await sent(api, admin, file()), 401, "session-ended")
    assert len(await stored(service, prefix)) < 2000
