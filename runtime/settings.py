"""Settings: POK_* environment variables (or files named by POK_*_FILE) read once into a frozen Struct."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

KEY_LENGTH = 32
MIN_DISTINCT = 8
"""Different characters in a secret; fewer were typed, not drawn."""

# What people write where they mean to write a secret later.
PLACEHOLDER = re.compile(r"change.?me|example|default|password|secret|insecure|placeholder|12345678", re.IGNORECASE)
SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class Secret(str):
    """A string that never shows itself in logs or tracebacks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"


class Key(Secret):
    """A secret that signs or authenticates: at least 32 characters. Raises ValueError for a shorter one."""

    __slots__ = ()

    def __new__(cls, value: str) -> "Key":
        if len(value) < KEY_LENGTH:
            raise ValueError(f"must have at least {KEY_LENGTH} characters")
        return super().__new__(cls, value)

    @property
    def looks_made_up(self) -> bool:
        """Whether it was typed rather than drawn."""
        return looks_made_up(self)


@runtime_checkable
class Drawn(Protocol):
    """A setting that is, or holds, secrets which have to be drawn at random."""

    @property
    def looks_made_up(self) -> bool:
        """Whether one of them was typed rather than drawn."""


def looks_made_up(secret: str) -> bool:
    """Whether a secret was typed rather than drawn."""
    return len(set(secret)) < MIN_DISTINCT or PLACEHOLDER.search(secret) is not None


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every process understands; each process extends it with its own fields.

    Raises ValueError in production for what is fine on a developer's machine only.
    """

    env: Literal["development", "production"] = "development"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def __post_init__(self) -> None:
        """Refuse to be made for production as it is."""
        if self.env == "production" and (wrong := list(self._unfit_for_production())):
            raise ValueError("\n".join(wrong))

    def _unfit_for_production(self) -> Iterator[str]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Drawn) and value.looks_made_up:
                yield f"POK_{name.upper()} looks made up; draw it at random, for example with `openssl rand -hex 32`"


class ServerSettings(ProcessSettings, frozen=True, kw_only=True):
    """What every process understands that goes on until it is stopped."""

    metrics_listen: str = ""
    """host:port at which Prometheus finds this process; nowhere if empty. It belongs into an internal network."""


class SettingsError(Exception):
    """One or more variables are missing or wrong; the message lists all of them, one per line, never their values."""


T = TypeVar("T", bound=ProcessSettings)


def load(settings: type[T], environ: Mapping[str, str] = os.environ) -> T:
    """Fill `settings` from the environment: field `log_level` is POK_LOG_LEVEL, or the file POK_LOG_LEVEL_FILE names.

    An empty variable counts as unset. Raises SettingsError with every problem at once, also with what a Struct refuses
    in __post_init__ by a ValueError.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(settings):
        name = f"POK_{field.name.upper()}"
        try:
            raw = read(name, environ)
            if raw is not None:
                values[field.name] = _convert(raw, field.type)
            elif field.required:
                problems.append(f"{name} is missing")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE cannot be read: {type(error).__name__}")
        except ValueError as error:  # msgspec.ValidationError is one; its text names types and limits, not values
            problems.append(f"{name}: {error}")
    if problems:
        raise SettingsError("\n".join(problems))
    try:
        return settings(**values)
    except ValueError as error:  # each value is fine, but not all of them together
        raise SettingsError(str(error)) from None


def read(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The variable of this name, or what the file holds that NAME_FILE names. Raises OSError, UnicodeDecodeError."""
    path = environ.get(f"{name}_FILE")
    value = Path(path).read_text(encoding="utf-8").strip() if path else environ.get(name, "")
    return value or None


def _convert(raw: str, kind: Any) -> Any:
    if kind in (bool, bool | None):
        if raw.lower() not in SWITCH:
            raise ValueError("expected on or off")
        return SWITCH[raw.lower()]
    try:
        return msgspec.convert(raw, kind, strict=False, dec_hook=lambda type_, value: type_(value))
    except msgspec.ValidationError as error:
        message = str(error)
        raise ValueError(message if raw not in message else f"not one of the accepted values for {kind}") from None
