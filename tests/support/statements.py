"""What a PostgreSQL is asked, read from its own log: whatever asks it, and with the values."""

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg

PATIENCE = 10.0
"""Seconds after which what was asked should stand in the log."""

ENTRY = re.compile(
    r"^\S+ \S+ UTC \[(\d+)\] \S* ?(LOG|DETAIL):  (.*?)(?=^\S+ \S+ UTC \[\d+\]|\Z)", re.MULTILINE | re.DOTALL
)
STATEMENT = re.compile(r"(?:execute \S+|statement): (.*)", re.DOTALL)
VALUE = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")


class Asked(NamedTuple):
    """One statement; the values of $1, $2 … as literals, such as `NULL` or `'it''s'`. `pid` is who answered."""

    pid: int
    sql: str
    values: tuple[str, ...] = ()

    @property
    def literal(self) -> str:
        """The statement with its values in it."""
        return re.sub(r"\$(\d+)", lambda found: self.values[int(found[1]) - 1], self.sql)


class Log:
    """A server's log of statements."""

    def __init__(self, admin: asyncpg.Connection, file: Path) -> None:
        self._admin = admin
        self._file = file
        self._begin = 0

    async def restart(self) -> None:
        """Forget what was asked so far."""
        await self._flushed()
        self._begin = self._file.stat().st_size

    async def asked(self, *, but_by: frozenset[int] = frozenset()) -> list[Asked]:
        """All that was asked since, except by the log's own connection and those of these processes."""
        text = await self._flushed()
        found: list[Asked] = []
        for pid, kind, words in ENTRY.findall(text):
            if int(pid) in {*but_by, self._admin.get_server_pid()}:
                continue
            if statement := STATEMENT.match(words):
                found.append(Asked(int(pid), statement[1].strip().rstrip(";")))
            elif kind == "DETAIL" and found and found[-1].pid == int(pid):
                found[-1] = found[-1]._replace(values=tuple(VALUE.findall(words)))
        return found

    async def _flushed(self) -> str:
        mark = uuid.uuid4().hex
        await self._admin.execute(f"select '{mark}'")
        async with asyncio.timeout(PATIENCE):
            while mark not in (text := self._file.read_bytes()[self._begin :].decode()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)  # the log comes through a pipe, and its file from another process
        return text


@contextlib.asynccontextmanager
async def statements(admin_url: str, file: Path) -> AsyncIterator[Log]:
    """Have a server log every statement into its log `file` meanwhile."""
    admin = await asyncpg.connect(admin_url)
    try:
        await _log(admin, "all")
        yield Log(admin, file)
    finally:
        await _log(admin, "none")
        await admin.close()


async def _log(admin: asyncpg.Connection, what: str) -> None:
    await admin.execute(f"alter system set log_statement = '{what}'")
    await admin.execute("select pg_reload_conf()")
    while await admin.fetchval("show log_statement") != what:  # noqa: ASYNC110 - each process reads it anew by itself
        await asyncio.sleep(0.01)
