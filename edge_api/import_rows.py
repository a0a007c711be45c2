"""Records of a file as the rows that the inquiry service takes, or why they are none."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from pok.inquiry.v1 import transfer_pb2

from edge_api import tables
from edge_api.body import clean_text, strict_object
from edge_api.convert import PRIORITY_NUMBER, STATUS_NUMBER
from edge_api.records import MAX_RECORD, Record
from edge_api.schemas.problems import FieldError
from edge_api.schemas.transfer import ExportedInquiry, RejectedRow
from runtime.rpc.errors import FieldViolation, InvalidArgument

TEXTS = ("customer_name", "customer_email", "subject", "message", "category", "language")
REQUIRED = frozenset({"customer_name", "customer_email", "subject", "message"})
KNOWN = frozenset(ExportedInquiry.__struct_fields__)
"""An export can be imported; what it holds and an import cannot set is left out."""

WORDS: Mapping[str, Mapping[str, Any]] = {"status": STATUS_NUMBER, "priority": PRIORITY_NUMBER}
SEPARATOR = re.compile("[;|]")
LONGEST_NAME = 100
LONGEST_ID = 200

# One cell may be as long as a record; the library's own limit is shorter.
csv.field_size_limit(MAX_RECORD)

Given = transfer_pb2.ImportRow | RejectedRow


class Reader(Protocol):
    """Reads the records of one file."""

    def read(self, record: Record) -> Given:
        """A row, or why it is none."""


class JsonReader:
    """Each record is an object with the columns as fields."""

    def __init__(self) -> None:
        self._begun = False

    def read(self, record: Record) -> Given:
        """Raises InvalidArgument when already the first row has fields that are not known."""
        begun, self._begun = self._begun, True
        if record.wrong:
            return _rejected(record, {}, [FieldError(field="", message=record.wrong)])
        try:
            values = strict_object(record.content)
        except InvalidArgument as error:
            return _rejected(record, {}, _errors(error))
        unknown = [FieldViolation(name[:LONGEST_NAME], _not_known()) for name in sorted(values.keys() - KNOWN)]
        if unknown and not begun:
            raise InvalidArgument("There are fields that are not known here.", violations=unknown[:20])
        wrong = [FieldError(field=field, message=description) for field, description in unknown[:20]]
        return _rejected(record, values, wrong) if wrong else _row(record, values)


class CsvReader:
    """Cells in the order of the header. Raises InvalidArgument when that names what is not known, or not enough."""

    def __init__(self, header: bytes) -> None:
        try:
            named = header.decode()
        except UnicodeDecodeError:
            raise InvalidArgument("The file must be in UTF-8.") from None
        if not named.strip():
            raise InvalidArgument("The file must begin with the names of its columns.")
        self.delimiter = max(",;", key=named.count)
        self._columns = [name.strip() for name in named.rstrip("\r\n").replace('"', "").split(self.delimiter)]
        if wrong := list(_wrong_columns(self._columns)):
            raise InvalidArgument("The columns are not those of an import.", violations=wrong[:20])

    def read(self, record: Record) -> Given:
        """A row."""
        try:
            return _row(record, self._values(record))
        except InvalidArgument as error:
            return _rejected(record, {}, _errors(error))

    def _values(self, record: Record) -> dict[str, Any]:
        if record.wrong:
            raise InvalidArgument.field("", record.wrong)
        try:
            (cells,) = csv.reader([record.content.decode()], delimiter=self.delimiter)
        except UnicodeDecodeError:
            raise InvalidArgument.field("", "It is not in UTF-8.") from None
        except (csv.Error, ValueError):
            raise InvalidArgument.field("", "It cannot be read as CSV.") from None
        if len(cells) != len(self._columns):
            described = f"It has {len(cells)} cells, the header {len(self._columns)}."
            raise InvalidArgument.field("", described)
        texts = zip(self._columns, cells, strict=True)
        values: dict[str, Any] = {name: clean_text(name, tables.undefused(cell)) or None for name, cell in texts}
        return {**values, "tags": _tags(values.get("tags") or "")}


def _wrong_columns(columns: Sequence[str]) -> Iterator[FieldViolation]:
    for name in sorted(set(columns)):
        if name not in KNOWN:
            yield FieldViolation(name[:LONGEST_NAME], _not_known())
        elif columns.count(name) > 1:
            yield FieldViolation(name, "is named twice")
    for name in sorted(REQUIRED - set(columns)):
        yield FieldViolation(name, "is required")
    if not {"external_id", "id"} & set(columns):
        yield FieldViolation("external_id", "is required")


def _not_known() -> str:
    return f"is not known here; known are {', '.join(sorted(KNOWN))}"


def _tags(cell: str) -> list[str]:
    if cell.startswith("["):
        try:
            return msgspec.json.decode(cell, type=list[str])
        except msgspec.DecodeError:
            pass  # a tag may begin so
    return [tag.strip() for tag in SEPARATOR.split(cell) if tag.strip()]


def _row(record: Record, values: Mapping[str, Any]) -> Given:
    row = transfer_pb2.ImportRow(row=record.row, external_id=_external_id(values))
    wrong = dict(_set(row, values))
    if wrong:
        return _rejected(record, values, [FieldError(field=field, message=wrong[field]) for field in wrong])
    return row


def _set(row: transfer_pb2.ImportRow, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fill the row; what cannot even be sent is told, all else the service judges."""
    for name in ("external_id", "id", *TEXTS, "status", "priority", "create_time"):
        if not isinstance(values.get(name), str | None):
            yield name, "Must be a text."
            return
    for name in TEXTS:
        setattr(row, name, values.get(name) or "")
    for name, numbers in WORDS.items():
        if word := values.get(name):
            if word in numbers:
                setattr(row, name, numbers[word])
            else:
                yield name, f"Must be one of: {', '.join(numbers)}."
    tags = values.get("tags") or []
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        row.tags.extend(tags)
    else:
        yield "tags", "Must be a list of texts."
    if written := values.get("create_time"):
        if time := _time(written):
            row.create_time.CopyFrom(time)
        else:
            yield "create_time", "Must be a time such as 2026-11-22T09:30:00Z."


def _time(written: str) -> Timestamp | None:
    """UTC, where the text does not say."""
    timestamp = Timestamp()
    try:
        time = datetime.fromisoformat(written)
        timestamp.FromDatetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return timestamp


def _external_id(values: Mapping[str, Any]) -> str:
    # What was exported without one is known by its id.
    given = values.get("external_id") or values.get("id") or ""
    return given if isinstance(given, str) else ""


def _rejected(record: Record, values: Mapping[str, Any], errors: list[FieldError]) -> RejectedRow:
    return RejectedRow(row=record.row, external_id=_external_id(values)[:LONGEST_ID], errors=errors)


def _errors(error: InvalidArgument) -> list[FieldError]:
    if not error.violations:
        return [FieldError(field="", message="It is not a JSON object in UTF-8 that names each field once.")]
    return [FieldError(field=field, message=description) for field, description in error.violations]
