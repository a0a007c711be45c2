"""`pok up`: the whole system on one machine, on embedded defaults."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from runtime.settings import ProcessSettings
from runtime.stack.folder import DataFolder
from runtime.stack.installation import ADMIN, Installation
from runtime.stack.ports import require_free
from runtime.stack.process import ProcessFailedError
from runtime.stack.services import Ports
from runtime.stack.supervisor import Supervisor

STOP_ORDER = ("edge", "worker", "ai", "inquiry", "migrate", "valkey", "postgres")


class UpSettings(ProcessSettings, frozen=True, kw_only=True):
    """Two of these are enough to run two installations side by side: data_dir and port."""

    data_dir: Path = Path(".pok")
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1024, le=65531)] = 8000
    """The edge's; the next four are used too. The default is below the ports that clients get by chance."""
    metrics_port: Annotated[int, Meta(ge=1024, le=65532)] | None = None
    """Where Prometheus finds the edge, and then the inquiry service, the AI service and the worker; nowhere if None."""

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the edge."""
        return f"http://{'127.0.0.1' if self.host == '0.0.0.0' else self.host}:{self.port}"


def up(settings: UpSettings, environ: Mapping[str, str] = os.environ) -> int:
    """Run the system until Ctrl-C or SIGTERM; return the exit status."""
    folder = DataFolder.open(settings.data_dir, settings.address)
    try:
        require_free(msgspec.structs.astuple(Ports.after(settings.port)))
        return asyncio.run(_run(settings, folder, environ))
    finally:
        folder.close()


async def _run(settings: UpSettings, folder: DataFolder, environ: Mapping[str, str]) -> int:
    say = Narrator()
    supervisor = Supervisor(folder.logs, say)
    say(f"POK starts on {settings.address}, its data is in {folder.path}")
    serving = asyncio.create_task(_serve(settings, folder, environ, supervisor, say))
    stopping = asyncio.create_task(_stop_signal().wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            await stopping
        say("stopping")
        return 0
    except ProcessFailedError as error:
        say(f"POK cannot start: {error}. Its last words:")
        say.below(f"    {line}" for line in error.lines)
        return 1
    finally:
        serving.cancel()
        await asyncio.wait({serving})
        await supervisor.stop(STOP_ORDER)
        say(f"stopped, all data is kept in {folder.path}")


async def _serve(
    settings: UpSettings, folder: DataFolder, environ: Mapping[str, str], supervisor: Supervisor, say: "Narrator"
) -> None:
    installation = Installation(folder, settings.host, settings.port, environ, settings.metrics_port)
    await supervisor.start(installation.processes())
    say("POK is ready")
    lines = [
        f"Address    {settings.address}/",
        f"API docs   {settings.address}/api/docs/",
        f"Logs       {folder.logs}",
    ]
    if not folder.admin_made.exists():
        password = await installation.make_admin()
        folder.admin_made.touch()
        if password:
            lines.append(f"Sign in as {ADMIN} with password {password} (shown only this once)")
    say.below(["", *(f"  {line}" for line in lines), "", "Ctrl-C stops POK."])


class Narrator:
    """Tells the terminal what happens, with the seconds since the start; goes on in silence when it is gone."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        """Print one line at once, also where a pipe would hold it back."""
        self.below([f"{time.monotonic() - self._began:6.1f} s  {line}"])

    def below(self, lines: Iterable[str]) -> None:
        """Print lines without a time."""
        try:
            print(*lines, sep="\n", flush=True)
        except OSError:
            # Whoever read this has ended. That must end nothing here, neither now nor when the rest is flushed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
