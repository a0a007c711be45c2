"""The way of a file into the inquiry service: in batches, each tried again while the service is away."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import msgspec
from pok.inquiry.v1 import transfer_pb2

from edge_api.import_rows import CsvReader, Given, JsonReader, Reader
from edge_api.records import CsvRows, Cutter, Lines, lines
from edge_api.schemas.problems import FieldError
from edge_api.schemas.transfer import RejectedRow
from runtime.rpc.errors import DeadlineExceeded, Unavailable

MOST_ROWS = 500
MOST_BYTES = 1_000_000
"""Of one batch; a gRPC message may have four times as much."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before a batch is sent again."""

IN_MEMORY = 1_000_000
"""Bytes of rejected rows; more of them wait in a temporary file."""

PIECE = 64 * 1024

Send = Callable[[list[transfer_pb2.ImportRow]], Awaitable[transfer_pb2.ImportInquiriesResponse]]


class Batch:
    """Rows that go together, and those among them that cannot go."""

    def __init__(self) -> None:
        self.rows: list[transfer_pb2.ImportRow] = []
        self.rejected: list[RejectedRow] = []
        self._bytes = 0

    def add(self, given: Given) -> None:
        """Take one more."""
        if isinstance(given, RejectedRow):
            self.rejected.append(given)
        else:
            self.rows.append(given)
            self._bytes += given.ByteSize()

    @property
    def is_full(self) -> bool:
        """Whether it should go."""
        return len(self.rows) + len(self.rejected) >= MOST_ROWS or self._bytes >= MOST_BYTES


class Report:
    """What became of the rows so far. It is an answer only when the file is over."""

    def __init__(self) -> None:
        self.imported = 0
        self.repeated = 0
        self._rejected = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by who reads it

    def add(self, response: transfer_pb2.ImportInquiriesResponse, rejected: Iterable[RejectedRow]) -> None:
        """Count a batch."""
        self.imported += response.imported
        self.repeated += response.repeated_rows
        for row in sorted([*map(_rejected, response.rejected), *rejected], key=lambda row: row.row):
            if self._rejected.tell():
                self._rejected.write(b",")
            self._rejected.write(msgspec.json.encode(row))

    async def written(self) -> AsyncIterator[bytes]:
        """The report as JSON, in pieces; it can be read once."""
        with self._rejected as rejected:
            yield b'{"imported":%d,"repeated":%d,"rejected":[' % (self.imported, self.repeated)
            rejected.seek(0)
            while piece := rejected.read(PIECE):
                yield piece
            yield b"]}"


async def rows(chunks: AsyncIterator[bytes], *, as_csv: bool) -> AsyncIterator[Given]:
    """What a file holds. Raises InvalidArgument for a file that is none."""
    source = lines(chunks)
    cutter: Cutter
    reader: Reader
    if as_csv:
        reader = header = CsvReader(await anext(source, b""))
        cutter = CsvRows(header.delimiter)
    else:
        reader, cutter = JsonReader(), Lines()
    async for line in source:
        for record in cutter.take(line):
            yield reader.read(record)
    for record in cutter.rest():
        yield reader.read(record)


async def stored(given: AsyncIterator[Given], send: Send) -> Report:
    """Send all rows, one batch while the next is read. Raises Unavailable, telling how far it came."""
    report = Report()
    sending: asyncio.Task[None] | None = None
    batch = Batch()
    try:
        async for row in given:
            batch.add(row)
            if batch.is_full:
                if sending:
                    await sending
                sending, batch = asyncio.create_task(_deliver(batch, send, report)), Batch()
        if sending:
            await sending
        await _deliver(batch, send, report)
    except (Unavailable, DeadlineExceeded) as error:
        done = f"{report.imported} rows are stored. Send the same file again: what is there already is skipped."
        raise Unavailable(f"{error.message} {done}", retry_delay=PAUSES[-1]) from None
    finally:
        if sending:
            sending.cancel()
    return report


async def _deliver(batch: Batch, send: Send, report: Report) -> None:
    response = await _persistently(batch.rows, send) if batch.rows else transfer_pb2.ImportInquiriesResponse()
    report.add(response, batch.rejected)


async def _persistently(rows_: list[transfer_pb2.ImportRow], send: Send) -> transfer_pb2.ImportInquiriesResponse:
    for pause in PAUSES:
        try:
            return await send(rows_)
        except (Unavailable, DeadlineExceeded):
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads retries
    return await send(rows_)


def _rejected(row: transfer_pb2.RejectedRow) -> RejectedRow:
    return RejectedRow(
        row=row.row,
        external_id=row.external_id,
        errors=[FieldError(field=error.field, message=error.message) for error in row.errors],
    )
