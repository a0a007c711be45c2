"""The data folder of one installation: who may use it, and in which format it is."""

import fcntl
import os
import time
from pathlib import Path

FORMAT = 1
"""Raised when an older POK could not use the folder any more."""

CREDENTIALS = "credentials.json"

LAST_WORDS = 15.0  # seconds that the processes of a killed `pok up` have to end


class FolderError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class DataFolder:
    """A data folder that is ours alone, until we and every process that inherited `lock` have ended."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock
        self.logs = path / "logs"
        self.credentials = path / CREDENTIALS
        self.admin_made = path / "admin-made"

    @classmethod
    def open(cls, path: Path, address: str) -> "DataFolder":
        """Create the folder if need be and take its lock; `address` is what a second `pok up` is told.

        Raises FolderError if the folder is in use, of a newer POK, or something else altogether.
        """
        path = path.absolute()
        if path.exists():
            check_format(path)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FolderError(f"{path} cannot be used as the data folder: {error.strerror}") from error
        _take(lock, path)
        (path / "format").write_text(f"{FORMAT}\n")
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()} {address}\n".encode(), 0)
        return cls(path, lock)

    def close(self) -> None:
        """Give up our share of the lock."""
        os.close(self.lock)


def check_format(path: Path) -> None:
    """Raise FolderError if this POK cannot use what is in the folder."""
    if not path.is_dir():
        raise FolderError(f"{path} is not a folder. Set POK_DATA_DIR to another one.")
    stated = path / "format"
    if not stated.exists():
        if {entry.name for entry in path.iterdir()} - {"lock"}:
            raise FolderError(f"{path} holds other files than POK's. Set POK_DATA_DIR to another folder.")
        return
    text = stated.read_text().strip()
    if not text.isdecimal():
        raise FolderError(
            f"{stated} is damaged: it should hold a number. If the data is sound, write {FORMAT} into it."
        )
    if int(text) > FORMAT:
        raise FolderError(
            f"{path} was written by a newer POK (format {text}, this one knows {FORMAT}). "
            "Use that version, or set POK_DATA_DIR to another folder."
        )


def holder(path: Path) -> tuple[int, str] | None:
    """Return the process id and the address of the `pok up` that holds the folder; None if nobody does."""
    try:
        lock = os.open(path / "lock", os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _try(lock) else _stated(lock)
    finally:
        os.close(lock)


def _take(lock: int, path: Path) -> None:
    deadline = time.monotonic() + LAST_WORDS
    while not _try(lock):
        pid, address = _stated(lock)
        if _is_alive(pid) or time.monotonic() > deadline:
            os.close(lock)
            raise FolderError(
                f"POK already runs on {path} (process {pid}, {address}). "
                "Stop that one first, or set POK_DATA_DIR and POK_PORT to run another beside it."
            )
        time.sleep(0.1)


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stated(lock: int) -> tuple[int, str]:
    pid, _, address = os.pread(lock, 1000, 0).decode().strip().partition(" ")
    return int(pid or 0), address or "just starting"


def _is_alive(pid: int) -> bool:
    return pid == 0 or Path(f"/proc/{pid}").exists() or not Path("/proc").exists()
