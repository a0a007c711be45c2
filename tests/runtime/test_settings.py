"""Settings come from the environment or files, and all that is wrong is said at once, without the values."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from runtime.settings import Key, ProcessSettings, Secret, SettingsError, load


class Example(ProcessSettings, frozen=True, kw_only=True):
    """One field of each kind."""

    token: Secret
    signing_key: Key
    mode: Literal["fast", "safe"] = "safe"
    size: Annotated[int, Meta(ge=1, le=10)] = 5
    public: bool = True


COMPLETE = {"POK_TOKEN": "t", "POK_SIGNING_KEY": "k" * 32}


def test_values_are_read_converted_and_defaulted() -> None:
    settings = load(Example, {**COMPLETE, "POK_SIZE": "7", "POK_PUBLIC": "off", "POK_MODE": ""})
    assert (settings.token, settings.size, settings.public, settings.mode) == ("t", 7, False, "safe")


def test_file_is_read_instead_of_the_variable(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from file\n")
    settings = load(Example, {**COMPLETE, "POK_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.token == "from file"


def test_every_problem_is_listed_and_no_value_is_shown() -> None:
    environ = {
        "POK_SIGNING_KEY": "canary-short",
        "POK_MODE": "canary-mode",
        "POK_SIZE": "99",
        "POK_PUBLIC": "canary-maybe",
        "POK_LOG_LEVEL_FILE": "/nowhere/at/all",
    }
    with pytest.raises(SettingsError) as caught:
        load(Example, environ)
    lines = str(caught.value).splitlines()
    assert sorted(line.split()[0].rstrip(":") for line in lines) == [
        "POK_LOG_LEVEL_FILE",
        "POK_MODE",
        "POK_PUBLIC",
        "POK_SIGNING_KEY",
        "POK_SIZE",
        "POK_TOKEN",
    ]
    assert "canary" not in str(caught.value)


def test_secret_does_not_show_itself() -> None:
    assert "hunter2" not in repr([Secret("hunter2")])
