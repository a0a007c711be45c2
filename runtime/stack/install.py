"""Brings .venv up to date with a lock file: `python3 -I runtime/stack/install.py [--dev | --check]`.

It runs before anything is installed, so it needs the standard library alone; and it has to load under any Python from
3.6 on, if only to say that this one is too old, so it is written as it would have been then.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
RUNTIME = ROOT / "requirements.lock"
DEVELOPMENT = ROOT / "requirements-dev.lock"  # all of the other, and the tools


class StepError(Exception):
    """A command failed; the message is what it wrote."""


def main() -> int:
    """Install what is not installed yet, or say in one sentence why that is impossible; return the exit status."""
    problem = interpreter_problem()
    if problem:
        return complain(problem)
    lock = DEVELOPMENT if "--dev" in sys.argv else RUNTIME
    if "--check" in sys.argv or fingerprint(lock) in installed():
        return 0
    try:
        install(lock)
    except StepError as error:
        return complain(str(error))
    covered = (DEVELOPMENT, RUNTIME) if lock == DEVELOPMENT else (RUNTIME,)
    STAMP.write_text("\n".join(map(fingerprint, covered)))
    return 0


def interpreter_problem() -> str:
    """Say what is wrong with the Python that runs this; empty if nothing is."""
    found, oldest = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, OLDEST))
    if sys.version_info < OLDEST:
        advice = f"Install a newer one and name it: make up PYTHON=python{oldest}"
        return f"POK needs Python {oldest} or newer, and {sys.executable} is {found}. {advice}"
    try:
        __import__("ensurepip")
        __import__("venv")
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return f"This Python lacks its venv module. On Debian and Ubuntu: sudo apt install {package}"
    return ""


def fingerprint(lock: Path) -> str:
    """Return a hash of everything that decides what is installed."""
    files = [lock, ROOT / "pyproject.toml", ROOT / "proto" / "build.py", *sorted(ROOT.glob("proto/**/*.proto"))]
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for file in files:
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def installed() -> str:
    """Return the fingerprints of what .venv holds."""
    return STAMP.read_text() if STAMP.exists() and PYTHON.exists() else ""


def install(lock: Path) -> None:
    """Install the locked packages, each checked against its hash, and then POK itself from this folder."""
    if not is_of_this_python():
        step("making .venv", sys.executable, "-m", "venv", "--clear", VENV)
    STAMP.unlink() if STAMP.exists() else None
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    uv = (PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, "--no-deps", "--compile-bytecode")
    packages = lock.read_text().count("==")
    try:
        step("getting the fast installer", *pip, "--require-hashes", "-r", uv_alone())
        step(f"installing {packages} packages", *uv, "--require-hashes", "-r", lock)
    except StepError:  # no uv for this machine, or an index that only pip's own configuration names
        step(f"installing {packages} packages with pip", *pip, "--require-hashes", "-r", lock)
    step("installing POK and compiling its contracts", *pip, "--no-build-isolation", "--editable", ROOT)


def is_of_this_python() -> bool:
    """Tell whether .venv is there and was made by the Python that runs this."""
    made_by = VENV / "pyvenv.cfg"
    version = ".".join(map(str, sys.version_info[:3]))
    return PYTHON.exists() and made_by.exists() and f"version = {version}\n" in made_by.read_text()


def uv_alone() -> Path:
    """Write a lock file that holds only uv, with the hashes of the development lock; return its path."""
    lines = DEVELOPMENT.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("uv=="))
    last = next(number for number in range(first, len(lines)) if not lines[number].endswith("\\"))
    alone = VENV / "uv.lock"
    alone.write_text("\n".join(lines[first : last + 1]))
    return alone


def step(title: str, *command: object) -> None:
    """Run a command, showing that it goes on; raises StepError with its output."""
    began = time.time()
    sys.stdout.write(f"  {title} ")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, cwd=str(ROOT))
        while True:
            sys.stdout.flush()
            try:
                code = process.wait(timeout=2)
                break
            except subprocess.TimeoutExpired:
                sys.stdout.write(".")
        sys.stdout.write(f" {time.time() - began:.1f} s\n" if code == 0 else " failed\n")
        if code != 0:
            output.seek(0)
            raise StepError(output.read().decode(errors="replace")[-4000:])


def complain(problem: str) -> int:
    """Tell what has to be done first."""
    sys.stderr.write(f"{problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
