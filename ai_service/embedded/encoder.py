"""The sentence encoder: 512 numbers per text, computed in a process of its own, whatever waits together."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Self, TypeVar, cast

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from ai_service.embedded import encoding
from runtime.rpc.errors import Unavailable

Embeddings = NDArray[np.float32]
"""One row of 512 per text, L2-normalised."""
Embedding = NDArray[np.float32]
"""One such row."""

Waiting = tuple[Sequence[str], "asyncio.Future[Embeddings]"]
"""Texts, and where whoever sent them waits for their rows."""

T = TypeVar("T")

log = structlog.get_logger(__name__)

VERSION = "use-multilingual-v3"
WIDTH = 512
BATCH = 8
"""Texts at once: more are hardly faster, and would keep all who wait for them waiting together."""
HEAD, TAIL = 4_000, 1_000
"""Characters read from the start and the end of a text; the middle of a longer one says little that is new."""

_NOISE = re.compile(r"https?://\S+|(?<!\S)@\w+")


class Encoder:
    """Encodes texts in batches of what waits, one batch at a time; loading takes about 1.7 s of a core."""

    def __init__(self) -> None:
        self._helper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="learner")
        self._waiting: list[Waiting] = []
        self._draining: asyncio.Task[None] | None = None
        self._process: _Process | None = None

    async def load(self) -> None:
        """Start the process and wait until it has loaded the weights. Raises Unavailable where it ends instead."""
        self._process = await _Process.started()

    async def encode(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of `texts`, in their order. Raises Unavailable where the process ended for them."""
        future: asyncio.Future[Embeddings] = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, future))
        if self._draining is None:
            # Asked at once, not when the loop comes to the task: whoever waits may keep the loop busy meanwhile.
            batch = self._next()
            asked = self._process.encode(_texts(batch)) if self._process else None
            self._draining = asyncio.create_task(self._drain(batch, asked))
        return await future

    async def beside(self, work: Callable[[], T]) -> T:
        """Do other long work of numbers beside the event loop, and beside what is being encoded."""
        return await asyncio.get_running_loop().run_in_executor(self._helper, work)

    async def close(self) -> None:
        """Let process and thread end."""
        self._helper.shutdown(wait=False, cancel_futures=True)
        if self._draining:
            self._draining.cancel()
        if self._process:
            await self._process.end()

    def _next(self) -> Sequence[Waiting]:
        batch = [item for item in self._waiting[:BATCH] if not item[1].done()]
        del self._waiting[:BATCH]
        return batch

    async def _drain(self, batch: Sequence[Waiting], asked: Awaitable[Embeddings] | None) -> None:
        try:
            await self._encode(batch, asked)
            while self._waiting:
                await self._encode(self._next())
        finally:
            self._draining = None

    async def _encode(
        self, batch: Sequence[Waiting], asked: Awaitable[Embeddings] | None = None, *, alone: bool = False
    ) -> None:
        try:
            self._process = self._process or await _Process.started()
            rows = await (asked or self._process.encode(_texts(batch)))
        except Exception as error:  # noqa: BLE001 - whoever waits gets it, so that none waits for ever
            self._process = None
            if alone:
                _fail(batch, error)
                return
            for item in batch:  # it may be the fault of one, which must not be that of the others
                await self._encode([item], alone=True)
        else:
            _answer(batch, rows)


class _Process:
    """The process that encodes; see `encoding`, which it runs. It ends when this one does."""

    def __init__(self, child: Process) -> None:
        self._child = child
        self._asked = cast("asyncio.StreamWriter", child.stdin)
        self._answered = cast("asyncio.StreamReader", child.stdout)

    @classmethod
    async def started(cls) -> Self:
        """One that has loaded the weights. Raises Unavailable."""
        command = (sys.executable, "-P", "-m", encoding.__name__)
        process = cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))
        await process._read()
        return process

    def encode(self, texts: Sequence[str]) -> Awaitable[Embeddings]:
        """One row per text, asked for at once. Raises Unavailable where the process has ended."""
        with suppress(RuntimeError):  # of uvloop, where the pipe is known to be broken; reading then says so as well
            self._asked.write(encoding.frame(msgspec.msgpack.encode(texts)))
        return self._rows()

    async def end(self) -> None:
        """Ask no more, which ends it."""
        self._asked.close()
        await self._child.wait()

    async def _rows(self) -> Embeddings:
        return np.frombuffer(await self._read(), np.float32).reshape(-1, WIDTH)

    async def _read(self) -> bytes:
        try:
            length = await self._answered.readexactly(encoding.LENGTH)
            return await self._answered.readexactly(int.from_bytes(length))
        except asyncio.IncompleteReadError:
            log.error("encoder_ended", status=await self._child.wait())
            raise Unavailable("The encoder has ended; another one starts.", reason="ENCODER_ENDED") from None


def packed(row: Embedding) -> bytes:
    """A row as the contract carries it: half-precision numbers, little-endian."""
    return row.astype("<f2").tobytes()


def unpacked(packed_row: bytes) -> Embedding:
    """The row that `packed` packed."""
    return np.frombuffer(packed_row, "<f2").astype(np.float32)


def prepare(text: str) -> str:
    """What the encoder sees of a text: its start and end, without links and handles."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    return _NOISE.sub(" ", text).strip()


def _texts(batch: Sequence[Waiting]) -> Sequence[str]:
    return [prepare(text) for group, _ in batch for text in group]


def _answer(batch: Sequence[Waiting], rows: Embeddings) -> None:
    start = 0
    for group, future in batch:
        end = start + len(group)
        if not future.done():
            future.set_result(rows[start:end])
        start = end


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
