"""`pok up`: start, restart, stop, and what it keeps to itself."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from runtime.stack.ports import listener_of
from tests.support.stack import READY, Stack, eventually


def query(stack: Stack, sql: str) -> str:
    """Ask the embedded database, as its owner, in a process of its own."""
    url = stack.environment_of("inquiry_service", "migrate")["POK_MIGRATION_DATABASE_URL"]
    ask = f"""
import asyncio, asyncpg, os
async def ask():
    connection = await asyncpg.connect({url!r}, timeout=10)
    print(await connection.fetchval({sql!r}))
    await connection.close()
asyncio.run(ask())
"""
    return subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_first_start_migrates_makes_an_admin_and_says_where_everything_is(new_stack: Stack) -> None:
    running = new_stack.up()
    running.until(READY)
    password = (new_stack.folder / "inquiry_service" / "password").read_text()
    assert f"http://127.0.0.1:{new_stack.port}/api/docs/" in running.output
    assert f"admin@pok.example with password {password} " in running.output
    ran = (new_stack.folder / "ran").read_text().splitlines()
    assert ran.index("inquiry_service migrate") < ran.index("inquiry_service")
    assert running.stop() == 0


def test_password_of_the_admin_is_shown_once_and_is_in_no_file(new_stack: Stack) -> None:
    running = new_stack.up()
    running.until(READY)
    password = (new_stack.folder / "inquiry_service" / "password").read_text()
    assert running.stop() == 0
    kept = b"".join(path.read_bytes() for path in new_stack.data.rglob("*") if path.is_file())
    assert password.encode() not in kept
    again = new_stack.up()
    again.until(READY)
    assert "with password" not in again.output


def test_stop_ends_services_before_their_database_and_keeps_the_data(stack: Stack) -> None:
    running = stack.up()
    running.until(READY)
    query(stack, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert running.stop(signal.SIGTERM) == 0
    assert (stack.folder / "stopped").read_text().split() == ["edge_api", "worker", "ai_service", "inquiry_service"]
    assert "database system is shut down" in (stack.data / "logs" / "postgres.log").read_text()
    again = stack.up()
    again.until(READY)
    assert query(stack, "SELECT answer FROM kept") == "42"


def test_second_up_on_the_same_data_says_so_and_breaks_nothing(stack: Stack) -> None:
    stack.up().until(READY)
    second = stack.pok("up", POK_PORT=str(stack.port + 100))
    assert second.returncode == 1
    assert f"POK already runs on {stack.data}" in second.stdout
    assert f"http://127.0.0.1:{stack.port}" in second.stdout
    assert query(stack, "SELECT 1") == "1"


@pytest.mark.parametrize("package", ["worker", "edge_api"])
def test_killed_service_is_restarted_and_said_so(stack: Stack, package: str) -> None:
    running = stack.up()
    running.until(READY)
    before = stack.pid_of(package)
    os.kill(before, signal.SIGKILL)
    running.until("was ended by SIGKILL; starting it again")
    running.until("runs again")
    assert stack.pid_of(package) != before


def test_killed_postgres_is_restarted_with_all_its_data(stack: Stack) -> None:
    running = stack.up()
    running.until(READY)
    query(stack, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    running.until("postgres was ended by SIGKILL")
    running.until("postgres runs again")
    assert query(stack, "SELECT answer FROM kept") == "42"


def test_killed_valkey_is_restarted_even_without_its_data(stack: Stack) -> None:
    running = stack.up()
    running.until(READY)
    valkey = listener_of(stack.port + 4)
    assert valkey
    shutil.rmtree(stack.data / "valkey")
    os.kill(valkey, signal.SIGKILL)
    running.until("valkey was ended by SIGKILL")
    running.until("valkey runs again")
    assert (stack.data / "valkey" / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_service_that_cannot_start_ends_the_start_with_its_last_words(stack: Stack) -> None:
    (stack.folder / "ai_service" / "broken").touch()
    running = stack.up()
    assert running.wait() == 1
    assert "POK cannot start: ai ended with code 1" in running.output
    assert "the model file is gone" in running.output
    (stack.folder / "ai_service" / "broken").unlink()
    stack.up().until(READY)


def test_everything_ends_when_up_itself_is_killed(stack: Stack) -> None:
    running = stack.up()
    running.until(READY)
    postmaster = int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0])
    pids = [postmaster, *(stack.pid_of(package) for package in ("edge_api", "worker", "ai_service"))]
    running.process.kill()
    running.process.wait()
    eventually(lambda: not any(map(is_alive, pids)))
    stack.up().until(READY)


def test_services_are_kept_running_and_ended_when_nobody_reads_any_more(stack: Stack) -> None:
    running = stack.up()
    running.until(READY)
    assert running.process.stdout
    running.process.stdout.close()
    before = stack.pid_of("worker")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.pid_of("worker") != before)
    postmaster = int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0])
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=40) == 0
    assert not is_alive(postmaster)


def test_each_service_gets_only_the_secrets_it_needs(stack: Stack) -> None:
    stack.up(POK_OPENAI_API_KEY="sk-test", UNRELATED="x").until(READY)
    edge, worker, ai, inquiry = (
        stack.environment_of(package) for package in ("edge_api", "worker", "ai_service", "inquiry_service")
    )
    environments = (edge, worker, ai, inquiry)
    assert len({environment.get("POK_SERVICE_TOKEN") for environment in environments}) == 4
    assert [name for name in ("POK_SERVICE_TOKENS", "POK_DATABASE_URL", "POK_OPENAI_API_KEY") if name in edge] == []
    assert ["POK_DATABASE_URL" in environment for environment in environments] == [False, False, False, True]
    assert ["POK_OPENAI_API_KEY" in environment for environment in environments] == [False, False, True, False]
    assert ["POK_JWT_KEYS" in environment for environment in environments] == [True, False, False, False]
    assert not any("UNRELATED" in environment for environment in environments)
    assert f"worker:{worker['POK_SERVICE_TOKEN']}" in inquiry["POK_SERVICE_TOKENS"]
    assert f"edge:{edge['POK_SERVICE_TOKEN']}" not in ai["POK_SERVICE_TOKENS"]


def test_secrets_are_private_stay_the_same_and_are_in_no_log(stack: Stack) -> None:
    stack_file = stack.data / "credentials.json"
    running = stack.up()
    running.until(READY)
    before = stack_file.read_text()
    assert running.stop() == 0
    assert stack_file.stat().st_mode & 0o777 == 0o600
    assert stack.data.stat().st_mode & 0o777 == 0o700
    stack.up().until(READY)
    assert stack_file.read_text() == before
    secrets = [word for word in before.split('"') if len(word) == 64]
    logs = "".join(path.read_text() for path in (stack.data / "logs").iterdir())
    assert len(secrets) == 11
    assert not [secret for secret in secrets if secret in logs]


def test_taken_port_is_named_with_its_holder(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", stack.port + 3)):
        refused = stack.pok("up")
    assert refused.returncode == 1
    assert f"port {stack.port + 3} is taken by process {os.getpid()}" in refused.stdout
    assert "POK_PORT" in refused.stdout


def test_data_of_a_newer_version_is_refused_untouched(new_stack: Stack) -> None:
    new_stack.data.mkdir()
    (new_stack.data / "format").write_text("99\n")
    refused = new_stack.pok("up")
    assert refused.returncode == 1
    assert "was written by a newer POK (format 99, this one knows 1)" in refused.stdout
    assert [path.name for path in new_stack.data.iterdir()] == ["format"]


def test_folder_of_something_else_is_refused_untouched(new_stack: Stack) -> None:
    new_stack.data.mkdir()
    (new_stack.data / "thesis.txt").write_text("mine")
    refused = new_stack.pok("up")
    assert refused.returncode == 1
    assert "holds other files than POK's" in refused.stdout
    assert [path.name for path in new_stack.data.iterdir()] == ["thesis.txt"]
