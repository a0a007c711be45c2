"""Secrets that the stack makes for itself, once, in files that only its user may read."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only we may read, at once and wholly."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
