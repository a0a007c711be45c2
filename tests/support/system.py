"""The whole system as `make up` runs it, with the real services, seen from outside."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from runtime.stack.credentials import Credentials
from runtime.stack.folder import CREDENTIALS
from runtime.stack.ports import listener_of
from runtime.stack.postgres import Passwords, Postgres
from tests.support.stack import READY, Running, Stack

FINAL = ("done", "needs_review", "failed")


class System:
    """A running installation. `http` is signed in as the admin; `anonymous` is not."""

    def __init__(self, stack: Stack, running: Running, password: str) -> None:
        self.stack = stack
        self.running = running
        self.address = f"http://127.0.0.1:{stack.port}"
        self.anonymous = httpx.AsyncClient(base_url=self.address, timeout=20)
        self.http = httpx.AsyncClient(base_url=self.address, timeout=20)
        self.password = password

    async def sign_in(self) -> None:
        """Open a session for `http`."""
        answer = await self.anonymous.post(
            "/api/token/", json={"email": "admin@pok.example", "password": self.password}
        )
        self.http.headers["authorization"] = f"Bearer {answer.raise_for_status().json()['access']}"

    async def create(self, **fields: Any) -> dict[str, Any]:
        """A new inquiry from a customer; pass what matters to the test."""
        body = {
            "customer_name": "Ana Ruiz",
            "customer_email": "ana@example.com",
            "subject": "Cobro doble",
            "message": "Me han cobrado dos veces el pedido A-10023.",
            **fields,
        }
        answer = await self.anonymous.post("/api/inquiries/create/", json=body)
        created: dict[str, Any] = answer.raise_for_status().json()
        return created

    async def detail(self, inquiry_id: str) -> dict[str, Any]:
        """The inquiry as staff sees it."""
        answer = await self.http.get(f"/api/inquiries/{inquiry_id}/")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def final(self, inquiry_ids: Iterable[str], seconds: float) -> dict[str, dict[str, Any]]:
        """The public view of all these inquiries once the machine is done with each; fails after `seconds`."""
        final: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(seconds):
            for inquiry_id in inquiry_ids:  # one after the other: who reads goes before what is analysed
                while (inquiry := await self._public(inquiry_id))["triage_state"] not in FINAL:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                final[inquiry_id] = inquiry
        return final

    async def _public(self, inquiry_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.anonymous.get(f"/api/inquiries/{inquiry_id}/")).raise_for_status().json()
        return found

    async def ready(self, seconds: float = 30) -> None:
        """Wait until the edge can answer again."""
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.anonymous.get("/api/health/ready")).is_success:
                        return
                await asyncio.sleep(0.1)

    def kill(self, package: str) -> None:
        """kill -9 the service's process."""
        os.kill(self._pid(package), signal.SIGKILL)

    def kill_valkey(self) -> None:
        """kill -9 Valkey, and its data is gone."""
        shutil.rmtree(self.stack.data / "valkey")
        pid = listener_of(self.stack.port + 4)
        assert pid
        os.kill(pid, signal.SIGKILL)

    async def sql(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """What the database holds."""
        connection = await asyncpg.connect(self.database_url(), timeout=10)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments, timeout=10)
            return rows
        finally:
            await connection.close()

    def database_url(self) -> str:
        """The embedded database, as its owner sees it."""
        return self._postgres().owner_url

    def service_url(self) -> str:
        """The same for the role of the inquiry service."""
        return self._postgres().url

    def admin_url(self) -> str:
        """The same server for its superuser."""
        return self._postgres().admin_url

    def _postgres(self) -> Postgres:
        held = Credentials.read(self.stack.data / CREDENTIALS)
        passwords = Passwords(held.database_password, held.database_service_password, held.database_admin_password)
        return Postgres(self.stack.data / "postgres", self.stack.port + 3, passwords)

    def _pid(self, package: str) -> int:
        for child in psutil.Process(self.running.process.pid).children():
            if child.cmdline()[-2:] == ["-m", package]:
                return child.pid
        raise AssertionError(f"{package} does not run")


@contextlib.asynccontextmanager
async def running_system(folder: Path, **environment: str) -> AsyncIterator[System]:
    """Start everything on a new data folder; stop it afterwards."""
    stack = Stack(folder, pretend=False)
    try:
        running = stack.up(**{"POK_RATE_LIMITS": "off", **environment})
        await asyncio.to_thread(running.until, READY)
        found = re.search(r"password (\S+)", running.output)
        assert found, running.output
        system = System(stack, running, found[1])
        async with system.http, system.anonymous:
            await system.sign_in()
            yield system
    finally:
        await asyncio.to_thread(stack.end)
