"""What happens between fork and exec: a child never outlives its parent, PostgreSQL never runs as root, and what can
wait lets others go first."""

import contextlib
import ctypes
import enum
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534
INSIDE_ID = 1000  # the id that a mapped process sees; any but 0 will do

_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True)


class Identity(enum.Enum):
    """Whom a child runs as."""

    OURS = "the user who started POK"
    MAPPED = "the same user, who sees another id than 0 in a user namespace"
    NOBODY = "the account nobody"


def unprivileged() -> Identity:
    """Return the identity under which a server that refuses root can run; root's data stays root's if it can be."""
    if os.geteuid() != 0:
        return Identity.OURS
    return Identity.MAPPED if _namespaces_allowed() else Identity.NOBODY


def confine(identity: Identity, death_signal: signal.Signals, niceness: int = 0) -> Callable[[], None]:
    """Return the function that a child runs before exec; `death_signal` reaches the child when its parent dies.

    The signal follows the parent's thread, so children are started from the main thread.
    """
    parent = os.getpid()

    def enter() -> None:
        if niceness:
            _let_others_go_first(niceness)
        if identity is Identity.MAPPED:
            _map_user()
        elif identity is Identity.NOBODY:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        if _LINUX:  # after the identity: the kernel forgets the signal when credentials change
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return enter


def _let_others_go_first(niceness: int) -> None:
    os.nice(niceness)
    # Where Linux shares the processors among sessions first, niceness alone counts only within one.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def _namespaces_allowed() -> bool:
    if not _LINUX:
        return False
    child = os.fork()
    if child == 0:
        try:
            _map_user()
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def _map_user() -> None:
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {group} 1")
