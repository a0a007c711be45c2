"""An HTTP client that costs little, since it shares the machine with what it measures."""

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """What came back for one request, sent at a time in seconds since 1970, and after how many seconds."""

    status: int
    body: bytes
    sent: float
    seconds: float


class Request(NamedTuple):
    """What is sent: one kept connection sends many."""

    method: str
    path: str
    body: bytes = b""
    headers: str = ""
    """Further header lines, each ended by CRLF."""


class Connection:
    """One kept HTTP/1.1 connection; answers must say their length."""

    def __init__(self, address: str) -> None:
        self._url = urlsplit(address)

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)

    async def send(self, request: Request) -> Answer:
        """Send and read the answer; raises what a broken connection raises."""
        sent, began = time.time(), time.perf_counter()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n" if request.body else ""
        head = f"{request.method} {request.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n{kind}{request.headers}\r\n"
        self._writer.write(head.encode() + request.body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lower = answer.lower()
        at = lower.index(b"content-length:") + 15
        body = await self._reader.readexactly(int(lower[at : lower.index(b"\r\n", at)]))
        return Answer(int(answer[9:12]), body, sent, time.perf_counter() - began)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Load(NamedTuple):
    """What a number of requests took: all of them, and each."""

    seconds: float
    answers: Sequence[Answer]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.answers) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered."""
        return percentile([answer.seconds for answer in self.answers], share)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def load(
    address: str,
    request: Callable[[int], Request],
    connections: int,
    *,
    count: int | None = None,
    seconds: float = math.inf,
) -> Load:
    """Send requests over that many connections, each of which sends the next when it has its answer.

    Ends when `count` are answered, or no more are sent after `seconds`.
    """
    until = time.perf_counter() + seconds
    given = itertools.count() if count is None else range(count)
    numbers = itertools.takewhile(lambda _: time.perf_counter() < until, given)
    answers: list[Answer] = []
    clients = [Connection(address) for _ in range(connections)]
    await asyncio.gather(*(client.open() for client in clients))

    async def work(client: Connection) -> None:
        for number in numbers:
            answer = await client.send(request(number))
            answers.append(answer)

    began = time.perf_counter()
    try:
        await asyncio.gather(*(work(client) for client in clients))
    finally:
        for client in clients:
            client.close()
    return Load(time.perf_counter() - began, answers)
