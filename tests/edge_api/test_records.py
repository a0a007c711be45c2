"""Files are cut into the records that they hold, however they arrive, and what is broken spoils nothing else."""

import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from edge_api.records import MAX_RECORD, CsvRows, Cutter, Lines, Record, lines

CELLS = st.text(st.sampled_from("a\",;\r\n'ñ€🦊 "), max_size=8)


async def cut(cutter: Cutter, content: bytes, size: int = 7) -> list[Record]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    found = [record async for line in lines(chunks()) for record in cutter.take(line)]
    return [*found, *cutter.rest()]


def parsed(record: Record, delimiter: str = ",") -> list[str]:
    (cells,) = csv.reader([record.content.decode()], delimiter=delimiter)
    return cells


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=6),
    delimiter=st.sampled_from(",;"),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 30),
)
async def test_what_a_writer_has_written_is_read_again(
    rows: list[list[str]], delimiter: str, end: str, size: int
) -> None:
    file = io.StringIO(newline="")
    # Python's writer leaves a carriage return unquoted where lines end otherwise.
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    found = await cut(CsvRows(delimiter), file.getvalue().encode(), size)
    assert [parsed(record, delimiter) for record in found] == rows


async def test_rows_are_numbered_as_a_spreadsheet_does() -> None:
    found = await cut(CsvRows(","), b'a,"1\n2\n3"\r\n\r\nb,2')
    assert [(record.row, parsed(record)) for record in found] == [(2, ["a", "1\n2\n3"]), (4, ["b", "2"])]


async def test_quote_within_a_cell_opens_nothing() -> None:
    found = await cut(CsvRows(","), b'a,5" screen\nb,""\nc,"say ""hi"""\n')
    assert [parsed(record)[1] for record in found] == ['5" screen', "", 'say "hi"']


async def test_quote_that_is_never_closed_spoils_its_own_row_only() -> None:
    found = await cut(CsvRows(","), b'a,1\nb,"2\nc,3\nd,4\n')
    assert [(record.content, bool(record.wrong)) for record in found] == [
        (b"a,1\n", False),
        (b'b,"2\n', True),
        (b"c,3\n", False),
        (b"d,4\n", False),
    ]
    many = b'b,"2\n' + b"c,3\n" * MAX_RECORD
    found = await cut(CsvRows(","), many, 65_536)
    assert [record.row for record in found if record.wrong] == [2]
    assert len(found) == MAX_RECORD + 1


async def test_record_of_any_length_takes_bounded_memory() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a\n"
        for _ in range(500):
            yield b"x" * 65_536
        yield b"\nb\n"

    for cutter in (Lines(), CsvRows(",")):
        tracemalloc.start()
        found = [record async for line in lines(chunks()) for record in cutter.take(line)]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [bool(record.wrong) for record in found] == [False, True, False]
        assert peak < 8 * MAX_RECORD


async def test_byte_order_mark_is_no_content() -> None:
    assert (await cut(Lines(), b"\xef\xbb\xbf{}\n\n  \n{}", 1)) == [Record(1, b"{}\n"), Record(4, b"{}")]
