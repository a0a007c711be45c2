"""The other commands of `pok`."""

import os
import shutil
import signal
import socket
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from runtime.stack import doctor
from runtime.stack.up import UpSettings
from tests.support.stack import READY, Stack


def test_commands_on_the_database_find_the_one_that_up_runs(stack: Stack) -> None:
    stack.up().until(READY)
    (stack.folder / "ran").unlink()
    assert stack.pok("migrate").returncode == 0
    assert (stack.folder / "ran").read_text() == "inquiry_service migrate\n"
    environment = stack.environment_of("inquiry_service", "migrate")
    for name, role in (("POK_DATABASE_URL", "pok_service"), ("POK_MIGRATION_DATABASE_URL", "pok")):
        url = urlsplit(environment[name])
        assert (url.username, url.port, url.path) == (role, stack.port + 3, "/pok")


def test_commands_on_the_database_prefer_the_one_that_the_environment_names(stack: Stack) -> None:
    url = "postgresql://pok:secret@db.example/pok"
    done = stack.pok("create-admin", "--email", "ana@pok.example", POK_DATABASE_URL=url)
    assert done.returncode == 0
    assert "created ana@pok.example" in done.stdout
    assert stack.environment_of("inquiry_service", "create-admin")["POK_DATABASE_URL"] == url


def test_commands_on_the_database_without_any_say_what_to_do(new_stack: Stack) -> None:
    refused = new_stack.pok("migrate")
    assert refused.returncode == 1
    assert "`pok up` makes it" in refused.stdout


def test_serve_runs_one_service_with_the_environment_it_was_given(stack: Stack) -> None:
    (stack.folder / "worker" / "broken").touch()
    ended = stack.pok("serve", "worker", POK_REDIS_URL="redis://cache.example/0")
    assert ended.stdout == "the model file is gone\n"
    assert stack.environment_of("worker")["POK_REDIS_URL"] == "redis://cache.example/0"


def test_debug_token_is_made_from_the_installations_key(new_stack: Stack) -> None:
    assert "`pok up` makes it" in new_stack.pok("debug-token").stdout
    new_stack.up().until(READY)
    assert new_stack.pok("debug-token").stdout.startswith("debug.")


def test_wrong_settings_are_listed_without_a_traceback(stack: Stack) -> None:
    refused = stack.pok("up", POK_PORT="80", POK_LOG_LEVEL="loud")
    assert refused.returncode == 1
    assert "POK_PORT" in refused.stdout
    assert "POK_LOG_LEVEL" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_unknown_arguments_are_refused(stack: Stack) -> None:
    refused = stack.pok("up", "--fast")
    assert refused.returncode == 2
    assert "--fast" in refused.stdout


def test_doctor_finds_nothing_wrong_before_and_while_pok_runs(new_stack: Stack) -> None:
    before = new_stack.pok("doctor")
    assert "is not running; `pok up` starts it" in before.stdout
    assert before.returncode == 0
    new_stack.up().until(READY)
    meanwhile = new_stack.pok("doctor")
    assert f"http://127.0.0.1:{new_stack.port})" in meanwhile.stdout
    assert meanwhile.returncode == 0


def test_doctor_names_what_does_not_run(stack: Stack) -> None:
    stack.up().until(READY)
    (stack.folder / "edge_api" / "broken").touch()
    os.kill(stack.pid_of("edge_api"), signal.SIGKILL)
    found = stack.pok("doctor")
    assert found.returncode == 1
    assert "but without edge" in found.stdout


def test_doctor_names_a_taken_port_and_a_newer_data_folder(new_stack: Stack) -> None:
    new_stack.data.mkdir()
    (new_stack.data / "format").write_text("99\n")
    with socket.create_server(("127.0.0.1", new_stack.port)):
        found = new_stack.pok("doctor")
    assert found.returncode == 1
    assert f"port {new_stack.port} is taken by process" in found.stdout
    assert "written by a newer POK" in found.stdout


def test_doctor_names_an_unreachable_external_database(stack: Stack) -> None:
    found = stack.pok("doctor", POK_DATABASE_URL="postgresql://pok:secret@127.0.0.1:1/pok")
    assert found.returncode == 1
    assert "Nothing answers at 127.0.0.1:1" in found.stdout
    assert "secret" not in found.stdout


@pytest.mark.parametrize(
    ("free", "advice"), [(100 * 1024**2, "It is full"), (1024**3, "nearly full"), (20 * 1024**3, "")]
)
def test_disk_that_fills_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, advice: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    settings = UpSettings(data_dir=tmp_path)
    found = {finding.about: finding for finding in doctor.examine(settings, {})}
    assert advice in found["Disk"].advice
    assert found["Disk"].well == (not advice)
