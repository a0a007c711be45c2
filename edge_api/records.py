"""Cutting files that arrive in pieces into records, in memory that does not grow with the file."""

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple, Protocol

MAX_RECORD = 256 * 1024
"""Bytes; as much as a single inquiry may have elsewhere."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
QUOTES = re.compile(rb'"+')


class Record(NamedTuple):
    """One record with its line end, or what is wrong with it where it cannot be read; `row` counts from 1."""

    row: int
    content: bytes
    wrong: str = ""


class Cutter(Protocol):
    """Makes records of lines."""

    def take(self, line: bytes) -> Iterator[Record]:
        """The records that this line completes."""

    def rest(self) -> Iterator[Record]:
        """What is left when there are no more lines."""


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines with their ends, without a byte order mark; of one that is longer than a record may be, its beginning."""
    waiting = bytearray()
    at_start, too_long = True, False
    async for chunk in chunks:
        *complete, last = chunk.split(b"\n")
        for part in complete:
            if not too_long:
                waiting += part
                yield _without_mark(waiting, at_start) + b"\n"
            waiting.clear()
            at_start, too_long = False, False
        if not too_long:
            waiting += last
            if too_long := len(waiting) > MAX_RECORD:
                yield _without_mark(waiting, at_start) + b"\n"
                waiting.clear()
    if waiting:
        yield _without_mark(waiting, at_start)


def _without_mark(line: bytearray, at_start: bool) -> bytes:
    return bytes(line.removeprefix(BYTE_ORDER_MARK) if at_start else line)


class Lines:
    """Each line is a record."""

    def __init__(self) -> None:
        self._row = 0

    def take(self, line: bytes) -> Iterator[Record]:
        """The line, unless it is blank."""
        self._row += 1
        if line.strip():
            yield _record(self._row, line)

    def rest(self) -> Iterator[Record]:
        """Nothing."""
        return iter(())


class CsvRows:
    """A record goes on over lines while a quoted cell does; a quote that is never closed spoils its own line only."""

    def __init__(self, delimiter: str) -> None:
        self._opening = re.compile(rb'(?:^|%b)"' % re.escape(delimiter.encode()))
        self._held: list[bytes] = []
        self._size = 0
        self._open = False
        self._row = 1  # the header

    def take(self, line: bytes) -> Iterator[Record]:
        """The record that ends with this line, if one does."""
        waiting = deque([line])
        while waiting:
            self._hold(waiting.popleft())
            if not self._open:
                yield from self._complete()
            elif self._size > MAX_RECORD:
                yield from self._give_up(waiting)

    def rest(self) -> Iterator[Record]:
        """What was held for a quote that is still open."""
        waiting: deque[bytes] = deque()
        while self._held:
            yield from self._give_up(waiting)
            while waiting:
                self._hold(waiting.popleft())
                if not self._open:
                    yield from self._complete()

    def _hold(self, line: bytes) -> None:
        self._held.append(line)
        self._size += len(line)
        self._open = self._is_open_after(line)

    def _complete(self) -> Iterator[Record]:
        content = b"".join(self._held)
        self._held, self._size = [], 0
        self._row += 1
        if content.strip():
            yield _record(self._row, content)

    def _give_up(self, waiting: deque[bytes]) -> Iterator[Record]:
        first, *others = self._held
        self._held, self._size, self._open = [], 0, False
        waiting.extendleft(reversed(others))
        self._row += 1
        yield Record(self._row, first, "A quote is opened in it and not closed.")

    def _is_open_after(self, line: bytes) -> bool:
        at, open_ = 0, self._open
        while True:
            if not open_:
                opening = self._opening.search(line, at)
                if opening is None:
                    return False
                at, open_ = opening.end(), True
            quotes = QUOTES.search(line, at)
            if quotes is None:
                return True
            # Two quotes stand for one; the odd one closes.
            at, open_ = quotes.end(), len(quotes[0]) % 2 == 0


def _record(row: int, content: bytes) -> Record:
    too_long = len(content) > MAX_RECORD
    return Record(row, content, f"It is longer than {MAX_RECORD // 1024} kB." if too_long else "")
