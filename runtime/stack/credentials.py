"""The secrets of one installation: made once, in a file that only its user may read."""

import os
import secrets
from pathlib import Path

import msgspec


class CredentialsError(Exception):
    """The secrets of an installation cannot be read."""


def new_secret() -> str:
    """Return 256 random bits, in characters that need no quoting anywhere."""
    return secrets.token_hex(32)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Every secret that the embedded system needs; one that the file lacks is made."""

    edge_token: str = msgspec.field(default_factory=new_secret)
    inquiry_token: str = msgspec.field(default_factory=new_secret)
    ai_token: str = msgspec.field(default_factory=new_secret)
    worker_token: str = msgspec.field(default_factory=new_secret)
    debug_key: str = msgspec.field(default_factory=new_secret)
    jwt_key: str = msgspec.field(default_factory=new_secret)
    tracking_key: str = msgspec.field(default_factory=new_secret)
    database_password: str = msgspec.field(default_factory=new_secret)
    database_service_password: str = msgspec.field(default_factory=new_secret)
    database_admin_password: str = msgspec.field(default_factory=new_secret)
    valkey_password: str = msgspec.field(default_factory=new_secret)

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Read the file; raises CredentialsError if it is not there or damaged."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError as error:
            raise CredentialsError(f"{path} is not there yet: `pok up` makes it.") from error
        except msgspec.DecodeError as error:
            raise CredentialsError(
                f"{path} is damaged: put back a copy of it, the data cannot be read without."
            ) from error

    @classmethod
    def keep(cls, path: Path) -> "Credentials":
        """Read the file, making what is missing."""
        credentials = cls.read(path) if path.exists() else cls()
        complete = msgspec.json.format(msgspec.json.encode(credentials)).decode()
        if not path.exists() or complete != path.read_text():
            write_private(path, complete)
        return credentials


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only we may read, at once and wholly."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
