"""A bounded log file for one process."""

from pathlib import Path

LIMIT = 10 * 1024 * 1024  # bytes in the current file; as much again in the one before it
TAIL = 4096  # bytes kept in memory, to show why a process ended


class Log:
    """Appends a process's output to NAME.log; what was there before is NAME.log.1, anything older is gone."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self._limit = limit
        self._tail = b""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open_new()

    def write(self, output: bytes) -> None:
        """Append output, in a new file if this one is full."""
        self._tail = (self._tail + output)[-TAIL:]
        if self._file.tell() + len(output) > self._limit:
            self._file.close()
            self._open_new()
        self._file.write(output)

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the last lines written."""
        return self._tail.decode(errors="replace").splitlines()[-count:]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open_new(self) -> None:
        if self.path.exists():
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._file = self.path.open("ab", buffering=0)
