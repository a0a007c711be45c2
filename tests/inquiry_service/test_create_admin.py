"""An administrator is added from the command line, by people and by scripts."""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from inquiry_service import create_admin

EMAIL, PASSWORD = "admin@pok.example", "correcto caballo"


Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: its exit status, output and problems."""
    monkeypatch.setenv("POK_DATABASE_URL", database_url)

    async def run(*arguments: str, password: bytes = PASSWORD.encode()) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(password)))
        status = await asyncio.to_thread(create_admin.main, arguments)
        return status, *capsys.readouterr()

    return run


async def accounts(database_url: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch("select email, name, role from account order by email")]
    finally:
        await connection.close()


async def test_new_database_has_no_account(database_url: str) -> None:
    assert await accounts(database_url) == []


async def test_script_adds_an_admin(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inquiry_service", "create-admin", "--email", EMAIL, "--password-stdin"),
        env={**os.environ, "POK_DATABASE_URL": database_url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(PASSWORD.encode() + b"\n")
    assert process.returncode == 0
    assert EMAIL in output.decode()
    assert PASSWORD not in output.decode()
    assert await accounts(database_url) == [(EMAIL, "Administrator", "admin")]


async def test_taken_address_is_refused(run: Run, database_url: str) -> None:
    arguments = ("--email", "Admin@POK.example", "--name", "Eva", "--password-stdin")
    assert (await run(*arguments))[0] == 0
    status, _, problems = await run(*arguments)
    assert status == 3
    assert "already" in problems
    assert await accounts(database_url) == [(EMAIL, "Eva", "admin")]


async def test_if_none_does_nothing_and_says_so_when_there_is_an_admin(run: Run, database_url: str) -> None:
    first = await run("--email", EMAIL, "--password-stdin", "--if-none")
    assert (first[0], EMAIL in first[1]) == (0, True)
    second = await run("--email", "other@pok.example", "--password-stdin", "--if-none")
    assert (second[0], "already" in second[1], "other@pok.example" in second[1]) == (0, True, False)
    assert [email for email, _, _ in await accounts(database_url)] == [EMAIL]


@pytest.mark.parametrize(
    ("email", "password", "problem"),
    [
        (EMAIL, b"short", "password"),
        (EMAIL, b"", "password"),
        (EMAIL, b"\xff" * 10, "UTF-8"),
        ("nobody", PASSWORD.encode(), "email"),
    ],
)
async def test_bad_input_is_named(run: Run, database_url: str, email: str, password: bytes, problem: str) -> None:
    status, _, problems = await run("--email", email, "--password-stdin", password=password)
    assert status == 2
    assert problem in problems
    assert await accounts(database_url) == []


async def test_absent_database_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POK_DATABASE_URL", "postgresql://pok:x@127.0.0.1:1/pok")
    status, _, problems = await run("--email", EMAIL, "--password-stdin")
    assert status == 1
    assert "database" in problems


async def test_person_is_asked_twice(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, "something else", PASSWORD, PASSWORD])
    monkeypatch.setattr(create_admin, "getpass", lambda _prompt: next(answers))
    status, _, problems = await run("--email", EMAIL)
    assert (status, "differ" in problems) == (2, True)
    assert await accounts(database_url) == []
    assert (await run("--email", EMAIL))[0] == 0
    assert [email for email, _, _ in await accounts(database_url)] == [EMAIL]
