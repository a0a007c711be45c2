"""The embedded Valkey: doorbells and rate-limit counters, on loopback."""

import asyncio
from pathlib import Path

from runtime.stack.credentials import write_private
from runtime.stack.process import Process
from runtime.stack.wheels import valkey_binary

CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
requirepass {password}
databases {databases}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Valkey:
    """One Valkey data folder and the process that serves it."""

    def __init__(self, folder: Path, port: int, password: str, *, databases: int = 1) -> None:
        self.folder = folder
        self.port = port
        self._password = password
        self._databases = databases

    @property
    def url(self) -> str:
        """Where services find it, with its password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def process(self, keep_open: tuple[int, ...] = ()) -> Process:
        """Return the process that serves the data folder."""
        command = (str(valkey_binary()), str(self._configuration))
        return Process(name="valkey", command=command, prepare=self._create, probe=self._is_ready, keep_open=keep_open)

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    async def _create(self) -> None:
        """Write the configuration; the password is in this file because a command line is for all to see."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = CONFIGURATION.format(
            port=self.port, folder=self.folder, password=self._password, databases=self._databases
        )
        write_private(self._configuration, text)

    async def _is_ready(self, _pid: int) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionError:
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        except ConnectionError:
            return False
        finally:
            writer.close()
