"""`pok up` as a user runs it; on services that only pretend, where the stack itself is under test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.support.servers import free_ports

PACKAGES = ("inquiry_service", "ai_service", "worker", "edge_api")
READY = "Ctrl-C stops POK."

PRETENDED = """
import json, os, pathlib, signal, socket, sys
here = pathlib.Path(__file__).parent
with (here.parent / "ran").open("a") as ran:
    ran.write(" ".join((here.name, *sys.argv[1:])) + "\\n")
command = (sys.argv[1:] or ["serve"])[0]
(here / f"environment-{command}.json").write_text(json.dumps(dict(os.environ)))
if (here / "broken").exists():
    sys.exit("the model file is gone")
if command == "create-admin":
    (here / "password").write_text(sys.stdin.read())
    print("created", sys.argv[3])
elif command == "serve":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    (here / "pid").write_text(str(os.getpid()))
    address = next((os.environ[name] for name in ("POK_INQUIRY_LISTEN", "POK_AI_LISTEN") if name in os.environ), None)
    if "POK_PORT" in os.environ:
        address = "127.0.0.1:" + os.environ["POK_PORT"]
    if address:
        host, port = address.split(":")
        listening = socket.create_server((host, int(port)))
    from runtime import process
    process.ready()
    signal.sigwait([signal.SIGTERM])
    with (here.parent / "stopped").open("a") as stopped:
        stopped.write(here.name + "\\n")
"""


class Stack:
    """One data folder, five ports and four services, pretended or real."""

    def __init__(self, folder: Path, *, pretend: bool = True) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_ports(5)
        self._processes: list[subprocess.Popen[str]] = []
        for package in PACKAGES if pretend else ():
            (folder / package).mkdir()
            (folder / package / "__init__.py").touch()
            (folder / package / "__main__.py").write_text(PRETENDED)

    def up(self, **environment: str) -> "Running":
        """Start `pok up`."""
        process = self._popen("up", **environment)
        self._processes.append(process)
        return Running(process)

    def pok(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another command to its end."""
        process = self._popen(*arguments, **environment)
        output, _ = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    def environment_of(self, package: str, command: str = "serve") -> dict[str, str]:
        """Return the environment with which a service or a command of it was started last."""
        file = self.folder / package / f"environment-{command}.json"
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])

    def pid_of(self, package: str) -> int:
        """Return the process id of a service."""
        return int((self.folder / package / "pid").read_text())

    def end(self) -> None:
        """End what a failed test left running."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=40)
            assert process.stdout
            process.stdout.close()

    def _popen(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        path = os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", "")))
        settings = {"POK_DATA_DIR": str(self.data), "POK_PORT": str(self.port), "PYTHONPATH": path}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "runtime.cli", *arguments],
            env={**os.environ, **settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


class Running:
    """A started `pok up`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""

    def until(self, text: str) -> str:
        """Read until a line holds the text; return that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return line
        raise AssertionError(f"pok up ended without saying {text!r}:\n{self.output}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, read the rest, return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Read the rest and return the exit status."""
        assert self.process.stdout
        self.output += self.process.stdout.read()
        return self.process.wait(timeout=40)


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something outside of this process has happened; fail if it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
