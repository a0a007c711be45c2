"""Customers who write many inquiries at once, and try again, with the same key, until each is acknowledged."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple
from uuid import UUID

import httpx

PATIENCE = 180.0
"""Seconds after which a customer gives up."""
LONGEST_ROUND = 1800.0
PAUSE = 0.2
WAIT = 20.0
"""Seconds for one answer."""


class Answer(NamedTuple):
    """What one try got: a status, 0 where the connection broke, and after how many seconds."""

    status: int
    seconds: float
    retry_after: str | None = None


class Load:
    """What was sent and what came back. `acknowledged` maps an inquiry's id to the number in its text."""

    def __init__(self, address: httpx.URL | str, rng: Random, at_once: int = 25) -> None:
        self.acknowledged: dict[str, int] = {}
        self.answers: list[Answer] = []
        self._address = address
        self._rng = rng
        self._at_once = at_once
        self._changed = asyncio.Condition()
        self._ended_by: Exception | None = None

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(answer.status for answer in self.answers)

    def longest(self, *statuses: int) -> float:
        """Seconds of the slowest answer with one of these statuses; 0 without any."""
        return max((answer.seconds for answer in self.answers if answer.status in statuses), default=0.0)

    async def create(self, count: int, until: Callable[[], bool] = lambda: False, every: float = 0.0) -> None:
        """Write so many inquiries, or fewer if `until` holds before; returns when each is acknowledged.

        `every`: seconds from one to the next, however long answers take, as far as a customer is free.
        """
        first, began = len(self.acknowledged), time.monotonic()
        numbers = iter(range(first, first + count))

        async with httpx.AsyncClient(base_url=self._address, timeout=WAIT) as client:

            async def customer() -> None:
                for number in numbers:
                    await asyncio.sleep(began + every * (number - first) - time.monotonic())
                    if until():
                        return
                    await self._write(client, number)

            try:
                async with asyncio.TaskGroup() as customers:
                    for _ in range(self._at_once):
                        customers.create_task(customer())
            except ExceptionGroup as ended:
                async with self._changed:
                    self._ended_by = ended.exceptions[0]
                    self._changed.notify_all()
                raise

    async def reached(self, count: int) -> None:
        """Wait until so many are acknowledged; fails at once when one customer met what none should."""
        async with asyncio.timeout(LONGEST_ROUND), self._changed:
            await self._changed.wait_for(lambda: self._ended_by or len(self.acknowledged) >= count)
        assert self._ended_by is None, f"no more inquiries come in: {self._ended_by!r}"

    async def _write(self, client: httpx.AsyncClient, number: int) -> None:
        body = {
            "customer_name": "Ana Ruiz",
            "customer_email": "ana@example.com",
            "subject": f"Cobro doble {number}",
            "message": f"Me han cobrado dos veces el pedido A-{10_000 + number}. Ya tendría que estar aquí.",
        }
        headers = {"Idempotency-Key": str(UUID(int=self._rng.getrandbits(128), version=4))}
        async with asyncio.timeout(PATIENCE):
            while (created := await self._try(client, body, headers)) is None:  # noqa: ASYNC110 - a customer
                await asyncio.sleep(PAUSE)
        async with self._changed:
            self.acknowledged[created] = number
            self._changed.notify_all()

    async def _try(self, client: httpx.AsyncClient, body: dict[str, str], headers: dict[str, str]) -> str | None:
        began = time.monotonic()
        try:
            response = await client.post("/api/inquiries/create/", json=body, headers=headers)
        except httpx.TransportError:
            self.answers.append(Answer(0, time.monotonic() - began))
            return None
        seconds = time.monotonic() - began
        self.answers.append(Answer(response.status_code, seconds, response.headers.get("retry-after")))
        if response.status_code == 201:
            return str(response.json()["id"])
        if response.status_code in (429, 503, 504):
            return None
        raise AssertionError(f"a create was answered {response.status_code}: {response.text[:500]}")
