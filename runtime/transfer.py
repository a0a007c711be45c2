"""`pok import` and `pok export`: files to and from a running POK, over its REST API."""

import getpass
import http.client
import io
import json
import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit

PIECE = 256 * 1024
PATIENCE = 300.0
"""Seconds without a byte; a long import is answered when its last row is stored."""

KINDS = {".csv": "text/csv", ".jsonl": "application/jsonl", ".ndjson": "application/x-ndjson"}
RESUME = "Repeat the same command: what is stored already is skipped."


class TransferError(SystemExit):
    """Ends the command with a sentence that says why, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"pok: {sentence}")


class Client:
    """One installation, as an administrator."""

    def __init__(self, url: str, email: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TransferError(f"{url} is not an address such as http://127.0.0.1:8000")
        self._url = url
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._token = os.environ.get("POK_TOKEN") or self._log_in(email)

    def send(self, file: Path, *, triage: bool) -> dict[str, Any]:
        """Import a file; returns what the service says of it. Raises TransferError."""
        kind = KINDS.get(file.suffix.lower())
        if kind is None:
            raise TransferError(f"{file.name} should end with {', '.join(KINDS)}")
        size = file.stat().st_size
        headers = {"Content-Type": kind, "Content-Length": str(size)}
        with file.open("rb") as content:
            body = _Counted(content, size)
            with self._answer("POST", f"/api/inquiries/import/?triage={str(triage).lower()}", headers, body) as answer:
                report: dict[str, Any] = json.load(answer)
                return report

    def fetch(self, query: str, output: BinaryIO) -> None:
        """Write an export. Raises TransferError."""
        written = 0
        with self._answer("GET", f"/api/inquiries/export/?{query}", {}) as answer:
            while piece := answer.read(PIECE):
                output.write(piece)
                written += len(piece)
                _show(f"{written >> 10:,} kB")

    def _log_in(self, email: str) -> str:
        if not email:
            raise TransferError("Name an administrator with --email, or give an access token in POK_TOKEN.")
        self._token = ""
        password = getpass.getpass(f"Password of {email}: ", stream=sys.stderr)
        credentials = json.dumps({"email": email, "password": password}).encode()
        with self._answer(
            "POST", "/api/token/", {"Content-Type": "application/json"}, io.BytesIO(credentials)
        ) as answer:
            return str(json.load(answer)["access"])

    @contextmanager
    def _answer(
        self, method: str, path: str, headers: dict[str, str], body: IO[bytes] | io.RawIOBase | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=PATIENCE, context=ssl.create_default_context())
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        )
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise TransferError(_said(answer))
            yield answer
        except (OSError, http.client.HTTPException) as error:
            again = f" {RESUME}" if "import" in path else ""
            raise TransferError(
                f"The connection to {self._url} broke: {error or type(error).__name__}.{again}"
            ) from None
        finally:
            connection.close()


def import_file(file: Path, *, url: str, email: str, triage: bool) -> int:
    """Import a file and tell what became of it; 1 when rows were rejected. Raises TransferError."""
    if not file.is_file():
        raise TransferError(f"There is no file {file}.")
    report = Client(url, email).send(file, triage=triage)
    for row in report["rejected"]:
        reasons = "; ".join(f"{error['field']}: {error['message']}".removeprefix(": ") for error in row["errors"])
        print(f"row {row['row']} {row['external_id']}: {reasons}")
    rejected = len(report["rejected"])
    print(f"{report['imported']:,} imported, {report['repeated']:,} there already, {rejected:,} rejected")
    return 1 if rejected else 0


def export_file(query: str, output: Path | None, *, url: str, email: str) -> int:
    """Write an export to a file, or to standard output. Raises TransferError."""
    client = Client(url, email)
    if output is None:
        client.fetch(query, sys.stdout.buffer)
        return 0
    unfinished = output.with_name(f"{output.name}.part")  # half an export must not pass for one
    with unfinished.open("wb") as file:
        client.fetch(query, file)
    unfinished.replace(output)
    return 0


class _Counted(io.RawIOBase):
    """A file that shows how much of it has gone."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._gone = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(max(size, PIECE))
        self._gone += len(piece)
        _show(f"{100 * self._gone // max(1, self._size)}%")
        return piece


def _show(progress: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress} ", end="", file=sys.stderr, flush=True)


def _said(answer: http.client.HTTPResponse) -> str:
    try:
        problem = json.load(answer)
        errors = "".join(f"\n  {error['field']} {error['message']}" for error in problem["errors"])
        return f"{problem['detail']}{errors}"
    except (ValueError, KeyError, TypeError):
        return f"It was answered with the status {answer.status}."
