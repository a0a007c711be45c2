"""One installation: what its data folder holds and what has to run on it."""

import asyncio
import secrets
from collections.abc import Mapping

from runtime.stack.credentials import Credentials
from runtime.stack.folder import DataFolder
from runtime.stack.postgres import Passwords, Postgres
from runtime.stack.process import Process, ProcessFailedError
from runtime.stack.services import Ports, Services
from runtime.stack.valkey import Valkey

ADMIN = "admin@pok.example"
COMMAND_TIMEOUT = 30.0  # seconds


class Installation:
    """What one data folder holds and what has to run on it."""

    def __init__(
        self,
        folder: DataFolder,
        host: str,
        port: int,
        environ: Mapping[str, str],
        metrics_port: int | None = None,
    ) -> None:
        credentials = Credentials.keep(folder.credentials)
        ports = Ports.after(port)
        passwords = Passwords(
            owner=credentials.database_password,
            service=credentials.database_service_password,
            admin=credentials.database_admin_password,
        )
        self._postgres = Postgres(folder.path / "postgres", ports.postgres, passwords)
        self._valkey = Valkey(folder.path / "valkey", ports.valkey, credentials.valkey_password)
        self._services = Services(
            host=host,
            ports=ports,
            credentials=credentials,
            owner_url=self._postgres.owner_url,
            database_url=self._postgres.url,
            redis_url=self._valkey.url,
            environ=environ,
            lock=folder.lock,
            metrics_port=metrics_port,
        )

    def processes(self) -> list[Process]:
        """Return all processes of the system."""
        lock = self._services.lock
        return [self._postgres.process((lock,)), self._valkey.process((lock,)), *self._services.all()]

    async def make_admin(self) -> str | None:
        """Create the first administrator; return its password, or None if there is one already."""
        password = secrets.token_urlsafe(12)
        arguments = ("create-admin", "--email", ADMIN, "--password-stdin", "--if-none")
        command, environment = self._services.one_shot(arguments)
        started = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_TIMEOUT):
            output, problems = await started.communicate(password.encode())
        if started.returncode != 0:
            lines = problems.decode(errors="replace").splitlines()
            raise ProcessFailedError("create-admin", "failed", lines[-15:])
        return password if ADMIN in output.decode() else None
