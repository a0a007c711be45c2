"""Whether ports are free, and who has them if not."""

import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path


class PortTakenError(Exception):
    """A port that POK needs is in use."""


def require_free(ports: Iterable[int]) -> None:
    """Raise PortTakenError, naming every port that is in use and by whom."""
    taken = [port for port in ports if not is_free(port)]
    if taken:
        named = "; ".join(f"port {port} is taken{_by(port)}" for port in taken)
        raise PortTakenError(f"{named}. Set POK_PORT to another number: POK uses it and the four after it.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _by(port: int) -> str:
    pid = listener_of(port)
    if pid is None:
        return ""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        return f" by process {pid} ({command[:60]})"
    return f" by process {pid}"


def listener_of(port: int) -> int | None:
    """Return the id of the process that listens on a port, where the system lets us see it."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        with contextlib.suppress(OSError):
            if str(link.readlink()) in sockets:
                return int(link.parts[2])
    return None


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
    return inodes
