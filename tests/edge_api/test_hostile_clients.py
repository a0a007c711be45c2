"""Whoever is slow, speaks no HTTP or looks for files elsewhere gets nothing and hinders nobody."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.edge import Edge, edge

SLOW = 300
CANARY = "canary-of-another-folder"
BROKEN = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a plain port
    b"NONSENSE\r\n\r\n",
    b"GET /api/health/live HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /api/health/live HTTP/1.1\r\nHost : x\r\n\r\n",
    b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}",
    b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot-hex\r\n{}\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
)
BEGINNINGS = (b"GET /api/hea", b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{")
ELSEWHERE = (
    "/../secret.txt",
    "/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/_nuxt/../../secret.txt",
    "/_nuxt/%2e%2e/%2e%2e/secret.txt",
    "/static/../secret.txt",
    "/static/..%2f..%2fsecret.txt",
    "/static/%252e%252e/secret.txt",
    "//secret.txt",
    "/secret.txt%00.html",
    "/static//etc/passwd",
)


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """An edge with a dashboard, beside whose folder is what nobody may read."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "web").mkdir()
    (folder / "web" / "200.html").write_text("<p>the dashboard</p>")
    (folder / "secret.txt").write_text(CANARY)
    async with edge("127.0.0.1:1", POK_WEB_FOLDER=str(folder / "web")) as running:
        yield running


async def sent(client: Edge, request: bytes) -> bytes:
    """What the edge answers to these bytes until it closes, or for as long as it has something to say."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    answer = b""
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            while chunk := await reader.read(65_536):
                answer += chunk
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
    return answer


async def test_slow_clients_hold_up_nobody(client: Edge) -> None:
    begun = [await asyncio.open_connection(client.base_url.host, client.base_url.port) for _ in range(SLOW)]
    for number, (_, writer) in enumerate(begun):
        begin = (
            b"GET /api/hea" if number % 2 else b"POST /api/token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{"
        )
        writer.write(begin)
        await writer.drain()
    for _ in range(10):
        assert (await client.get("/api/health/live")).status_code == 200
    for _, writer in begun:
        writer.close()


@pytest.mark.parametrize("request_", BROKEN, ids=range(len(BROKEN)))
async def test_broken_requests_are_refused_and_nothing_breaks(client: Edge, request_: bytes) -> None:
    answer = await sent(client, request_)
    assert answer[9:10] in (b"", b"4"), answer[:200]
    assert (await client.get("/api/health/live")).status_code == 200


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_no_file_of_another_folder_is_served(client: Edge, path: str) -> None:
    answer = await sent(client, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    assert answer[9:10] in (b"2", b"3", b"4"), answer[:200]
    assert CANARY.encode() not in answer
    assert b"root:" not in answer


async def test_canary_would_be_seen(client: Edge) -> None:
    assert b"the dashboard" in await sent(client, b"GET /inbox HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
