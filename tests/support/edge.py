"""The edge as its users meet it: `python -m edge_api` behind a real socket."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from edge_api.tokens import AccessTokens, SigningKeys
from tests.support.servers import free_ports
from tests.support.tokens import TOKENS

KEYS = "new:" + "n" * 32 + ",old:" + "o" * 32
ENDLESS = "/api/events/stream/"
START_SECONDS = 30
STOP_SECONDS = 30


class Edge(httpx.AsyncClient):
    """A client of a running edge; `process` is that edge."""

    process: asyncio.subprocess.Process

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send it; of an answer that never ends, whoever does not ask for a stream gets the beginning only."""
        answer = await super().send(request, stream=True, **options)
        if stream:
            return answer
        if request.url.path == ENDLESS and answer.is_success:
            await answer.aclose()
            return httpx.Response(answer.status_code, headers=answer.headers, request=request)
        await answer.aread()
        return answer


@contextlib.asynccontextmanager
async def edge(inquiry_address: str, **variables: str) -> AsyncIterator[Edge]:
    """Run an edge on a free port in front of this inquiry service; `variables` are further settings.

    Without POK_RATE_LIMITS=on among them it counts nothing, since all tests come from one address.
    """
    port = variables.pop("POK_PORT", None) or str(free_ports())
    environment = {
        **os.environ,
        "POK_PORT": port,
        "POK_INQUIRY_ADDRESS": inquiry_address,
        "POK_SERVICE_TOKEN": TOKENS["edge"],
        "POK_JWT_KEYS": KEYS,
        "POK_REDIS_URL": "redis://127.0.0.1:1",
        "POK_RATE_LIMITS": "off",
        "POK_WEB_FOLDER": os.devnull,  # whether the dashboard is built here must make no difference
        **variables,
    }
    process = await _started(environment)
    try:
        async with Edge(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            client.process = process
            yield client
    finally:
        await stop(process)


async def stop(process: asyncio.subprocess.Process) -> int:
    """Ask the edge to end, as the stack does, and return its exit status; the status again when it has ended."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(STOP_SECONDS):
        return await process.wait()


def bearer(account_id: str, session_id: str, keys: str = KEYS) -> dict[str, str]:
    """The header of somebody whose session is known."""
    return {"Authorization": f"Bearer {AccessTokens(SigningKeys(keys)).sign(account_id, session_id)}"}


def problem(answer: httpx.Response, status: int, key: str) -> dict[str, Any]:
    """The problem that was answered, which must be this one and well formed."""
    seen = f"{answer.request.method} {answer.url} {answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json", seen
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"urn:pok:problem:{key}"), seen
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith(".")
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


async def _started(environment: dict[str, str]) -> asyncio.subprocess.Process:
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.setblocking(False)
        notices.bind(str(Path(folder) / "notify"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge_api", env={**environment, "NOTIFY_SOCKET": notices.getsockname()}
        )
        ready = asyncio.create_task(loop.sock_recv(notices, 64))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ready, ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in (ready, ended):
            task.cancel()
        if not ready.done() or ready.cancelled():
            if process.returncode is None:
                process.kill()
            raise RuntimeError(f"the edge did not start (exit status {await process.wait()})")
    return process
