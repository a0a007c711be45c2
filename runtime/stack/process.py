"""One process of the stack: how it starts, when it is ready, how it stops."""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from runtime.stack.confine import Identity, confine
from runtime.stack.logs import Log

PROBE_INTERVAL = 0.01  # seconds
START_TIMEOUT = 60.0  # seconds


class ProcessFailedError(Exception):
    """A process ended, or was not ready in time; `lines` are the last ones that it wrote."""

    def __init__(self, name: str, reason: str, lines: list[str]) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.lines = lines


class Process(msgspec.Struct, frozen=True):
    """What has to be known to run one process."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    after: tuple[str, ...] = ()
    """The processes that must be ready before this one starts."""
    once: bool = False
    """It does its work and ends: ready when it has ended well."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """What has to be there before each start, such as a data folder."""
    probe: Callable[[int], Awaitable[bool]] | None = None
    """Tells whether the process with this id can serve; without it the process itself says READY=1."""
    stop_signal: signal.Signals = signal.SIGTERM
    identity: Identity = Identity.OURS
    niceness: int = 0
    """How far it lets others go first where processors are short, from 0 to 19."""
    keep_open: tuple[int, ...] = ()
    """File descriptors that it inherits, such as the lock of its data."""


class Child:
    """A started process."""

    def __init__(self, process: Process, log: Log, started: asyncio.subprocess.Process, ends: "Ends") -> None:
        self.process = process
        self.log = log
        self.pid = started.pid
        self.exit = asyncio.create_task(self._wait(started, ends))
        self._notices = ends.notices

    @classmethod
    async def start(cls, process: Process, log: Log) -> "Child":
        """Start a process in a session of its own: Ctrl-C reaches only us, and one signal reaches all its children."""
        if process.prepare:
            await process.prepare()
        ends = Ends(log)
        try:
            started = await asyncio.create_subprocess_exec(
                *process.command,
                env={**process.environment, "NOTIFY_SOCKET": ends.notice_address},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=ends.output,
                stderr=ends.output,
                start_new_session=True,
                pass_fds=process.keep_open,
                preexec_fn=confine(process.identity, process.stop_signal, process.niceness),
            )
        except OSError as error:
            ends.close()
            raise ProcessFailedError(process.name, f"cannot start: {error}", []) from error
        finally:
            os.close(ends.output)
        return cls(process, log, started, ends)

    async def until_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until the process can serve, or has done its work; raises ProcessFailedError."""
        serving = asyncio.create_task(self._serving())
        await asyncio.wait({serving, self.exit}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        if self.exit.done() and (self.exit.result() != 0 or not self.process.once):
            raise self.failed(describe_exit(self.exit.result()))
        if not self.exit.done() and not serving.done():
            raise self.failed(f"was not ready after {timeout:.0f} s")

    async def stop(self, grace: float) -> None:
        """Ask the process to end; kill it after `grace` seconds."""
        if not self.exit.done():
            os.kill(self.pid, self.process.stop_signal)
            await asyncio.wait({self.exit}, timeout=grace)
        if not self.exit.done():
            os.killpg(self.pid, signal.SIGKILL)
        await self.exit

    def failed(self, reason: str) -> ProcessFailedError:
        """Return the error for a process that should be running and is not."""
        return ProcessFailedError(self.process.name, reason, self.log.last_lines())

    async def _serving(self) -> None:
        if self.process.once:
            await asyncio.shield(self.exit)
        elif self.process.probe:
            while not await self.process.probe(self.pid):  # noqa: ASYNC110 - it cannot set an event of ours
                await asyncio.sleep(PROBE_INTERVAL)
        else:
            loop = asyncio.get_running_loop()
            while b"READY=1" not in (await loop.sock_recv(self._notices, 4096)).split(b"\n"):
                pass

    async def _wait(self, started: asyncio.subprocess.Process, ends: "Ends") -> int:
        code = await started.wait()
        with contextlib.suppress(ProcessLookupError):  # nothing that it started is left behind
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.wait({ends.output_copied}, timeout=1)
        ends.close()
        return code


class Ends:
    """Our ends of what connects us to a process: a pipe that takes its output, a socket that takes its READY=1."""

    def __init__(self, log: Log) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._source, self.output = os.pipe()
        self.output_copied = self._loop.create_future()
        self._loop.add_reader(self._source, self._copy)
        self._folder = tempfile.TemporaryDirectory(prefix="pok-")  # a socket's path may have about 100 characters
        self.notice_address = f"{self._folder.name}/notify"
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.setblocking(False)
        self.notices.bind(self.notice_address)

    def close(self) -> None:
        """Stop listening."""
        self._loop.remove_reader(self._source)
        os.close(self._source)
        self.notices.close()
        self._folder.cleanup()

    def _copy(self) -> None:
        output = os.read(self._source, 65536)
        if output:
            self._log.write(output)
        elif not self.output_copied.done():
            self._loop.remove_reader(self._source)
            self.output_copied.set_result(None)


def describe_exit(code: int) -> str:
    """Say how a process ended, from its return code."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


@contextlib.asynccontextmanager
async def running(process: Process, folder: Path, grace: float = 10.0) -> AsyncIterator[Child]:
    """Run one process, ready within the block; its log goes to `folder`."""
    with contextlib.closing(Log(folder / f"{process.name}.log")) as log:
        child = await Child.start(process, log)
        try:
            await child.until_ready()
            yield child
        finally:
            await child.stop(grace)
