"""Rows as files that people and programs open: CSV and JSON lines, written as they come."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

Format = Literal["csv", "jsonl"]

MEDIA_TYPES: Mapping[Format, str] = {"csv": "text/csv", "jsonl": "application/jsonl"}

# Without the mark, spreadsheets take UTF-8 for the code page of their country.
BYTE_ORDER_MARK = "\ufeff"

# What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection). Apostrophes before it count as well,
# so that the one that is added can be told from those that were there.
FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


async def written(
    format_: Format, columns: Sequence[str], batches: AsyncIterator[Iterable[Mapping[str, Any]]]
) -> AsyncIterator[bytes]:
    """The file, piece by piece; in CSV objects become JSON, null becomes empty, and no cell can be a formula."""
    if format_ == "csv":
        yield (BYTE_ORDER_MARK + _csv([columns])).encode()
    async for batch in batches:
        if format_ == "csv":
            yield _csv([_cell(row[column]) for column in columns] for row in batch).encode()
        else:
            yield b"".join(msgspec.json.encode(row) + b"\n" for row in batch)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    page = io.StringIO()
    csv.writer(page).writerows(rows)
    return page.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode().strip('"')
    return f"'{value}" if FORMULA.match(value) else value


def undefused(cell: str) -> str:
    """The text behind a cell that was kept from being a formula."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
