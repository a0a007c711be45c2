"""Server-sent events as a browser reads them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

STREAM = "/api/events/stream/"


class Sent(NamedTuple):
    """One event; a comment has the kind "" and no id."""

    kind: str
    id: str
    data: Any


class Listening:
    """An open stream; `id` is that of the last event, as a browser keeps it."""

    def __init__(self, answer: httpx.Response, last_id: str) -> None:
        self.answer = answer
        self.id = last_id
        self._sent = self._read()

    def __aiter__(self) -> AsyncIterator[Sent]:
        return self._sent

    async def next(self, kind: str) -> Sent:
        """The next event of this kind."""
        async for sent in self._sent:
            if sent.kind == kind:
                return sent
        raise AssertionError(f"the stream ended without {kind}")

    async def ended(self) -> None:
        """Read until the stream ends by itself."""
        async for _ in self._sent:
            pass

    async def _read(self) -> AsyncIterator[Sent]:
        fields: dict[str, str] = {}
        async for line in self.answer.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name or "comment"] = value
            elif fields:
                sent = Sent(fields.get("event", ""), fields.get("id", ""), json.loads(fields.get("data", "null")))
                self.id = sent.id or self.id
                fields = {}
                yield sent


@asynccontextmanager
async def listening(
    api: httpx.AsyncClient, headers: dict[str, str], last_id: str = "", **query: str
) -> AsyncIterator[Listening]:
    """Open the stream, after an id if there is one."""
    resumed = {"Last-Event-ID": last_id} if last_id else {}
    async with api.stream("GET", STREAM, headers={**headers, **resumed}, params=query) as answer:
        if not answer.is_success:
            await answer.aread()
        answer.raise_for_status()
        yield Listening(answer, last_id)
