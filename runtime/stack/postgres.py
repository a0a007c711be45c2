"""The embedded PostgreSQL: its data made once, and the process that serves it on loopback."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

from runtime.stack.confine import NOBODY, Identity, confine, unprivileged
from runtime.stack.process import Process, ProcessFailedError
from runtime.stack.wheels import postgres_binary

DATABASE = "pok"
SERVICE = "pok_service"
EXTENSIONS = ("vector", "pg_trgm", "unaccent")  # of these only a superuser may create vector
INITDB = (
    *("--username=postgres", "--auth-local=reject", "--auth-host=scram-sha-256", "--data-checksums"),
    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def owner_url(port: int, password: str) -> str:
    """Return where the database of an embedded PostgreSQL is, as its owner sees it."""
    return f"postgresql://{DATABASE}:{password}@127.0.0.1:{port}/{DATABASE}"


def service_url(port: int, password: str) -> str:
    """The same for the role under which the inquiry service works."""
    return f"postgresql://{SERVICE}:{password}@127.0.0.1:{port}/{DATABASE}"


class Passwords(NamedTuple):
    """One for each role."""

    owner: str
    service: str
    admin: str


class Postgres:
    """One PostgreSQL data folder, with a database and its owner, both named pok, and the service's role.

    The owner is no superuser; the superuser `postgres` is there for backups and for tests.
    """

    def __init__(self, folder: Path, port: int, passwords: Passwords, *, durable: bool = True) -> None:
        self.folder = folder
        self.port = port
        self._passwords = passwords
        self._durable = durable
        self._identity = unprivileged()

    @property
    def url(self) -> str:
        """Where the inquiry service finds the database, with its password."""
        return service_url(self.port, self._passwords.service)

    @property
    def owner_url(self) -> str:
        """The same database for its owner, who migrates it."""
        return owner_url(self.port, self._passwords.owner)

    @property
    def admin_url(self) -> str:
        """The same server for its superuser."""
        return f"postgresql://postgres:{self._passwords.admin}@127.0.0.1:{self.port}/postgres"

    def process(self, keep_open: tuple[int, ...] = ()) -> Process:
        """Return the process that serves the data folder."""
        settings = {**SETTINGS, "port": str(self.port), **({} if self._durable else UNSAFE_BUT_FAST)}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        return Process(
            name="postgres",
            command=(str(postgres_binary("postgres")), "-D", str(self.folder), *flags),
            prepare=self._create,
            probe=self._is_ready,
            stop_signal=signal.SIGINT,  # a fast shutdown: sessions are cut, nothing is lost
            identity=self._identity,
            keep_open=keep_open,
        )

    async def _create(self) -> None:
        """Make the data folder if it is not there: wholly or, after an interruption, not at all."""
        if self.folder.exists():
            return
        unfinished = self.folder.with_name(f"{self.folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        if self._identity is Identity.NOBODY:
            os.chown(unfinished, NOBODY, NOBODY)
        await self._run("initdb", f"--pgdata={unfinished}", *INITDB, *([] if self._durable else ["--no-sync"]))
        await self._run_sql(
            unfinished,
            "postgres",
            f"ALTER ROLE postgres PASSWORD '{self._passwords.admin}'",
            f"CREATE ROLE {DATABASE} LOGIN PASSWORD '{self._passwords.owner}'",
            f"CREATE ROLE {SERVICE} LOGIN PASSWORD '{self._passwords.service}'",
            f"CREATE DATABASE {DATABASE} OWNER {DATABASE}",
        )
        await self._run_sql(unfinished, DATABASE, *(f"CREATE EXTENSION {name}" for name in EXTENSIONS))
        unfinished.rename(self.folder)

    async def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(pid) and len(lines) > 7 and lines[7].strip() == "ready"

    async def _run_sql(self, folder: Path, database: str, *statements: str) -> None:
        """Run statements in single-user mode: no port is open while there is no password yet."""
        command = ("postgres", "--single", "-D", str(folder), "-c", "exit_on_error=on", database)
        await self._run(*command, given="".join(f"{statement};\n" for statement in statements))

    async def _run(self, program: str, *arguments: str, given: str = "") -> None:
        started = await asyncio.create_subprocess_exec(
            str(postgres_binary(program)),
            *arguments,
            env={"LC_ALL": "C"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=confine(self._identity, signal.SIGTERM),
        )
        output, _ = await started.communicate(given.encode())
        if started.returncode != 0:
            lines = output.decode(errors="replace").splitlines()
            raise ProcessFailedError("postgres", f"cannot be set up: {program} failed", lines[-15:])
