"""`pok import` and `pok export` move files to and from a running POK, and say what went wrong in a sentence."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.edge_api.conftest import newcomer_of
from tests.support.edge import edge
from tests.support.inquiry import Service, inquiry_service

HEADER = "external_id,customer_name,customer_email,subject,message\n"


class Ran(NamedTuple):
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Installation(NamedTuple):
    """A running POK, and an admin's access token."""

    service: Service
    url: str
    token: str

    async def pok(self, *arguments: str | Path, **environment: str) -> Ran:
        """Run a command to its end."""
        command = (sys.executable, "-P", "-m", "runtime.cli", *map(str, arguments), "--url", self.url)
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "POK_TOKEN": self.token, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return Ran(process.returncode or 0, output.decode(), errors.decode())


@pytest.fixture
async def installation(database_url: str, redis_url: str) -> AsyncIterator[Installation]:
    """One that has nothing yet."""
    async with inquiry_service(database_url, redis_url) as service, edge(f"127.0.0.1:{service.port}") as api:
        admin = await newcomer_of(service, "admin")
        yield Installation(service, str(api.base_url).rstrip("/"), admin["Authorization"].removeprefix("Bearer "))


async def test_file_goes_in_and_comes_out(installation: Installation, tmp_path: Path) -> None:
    given, got = tmp_path / "given.csv", tmp_path / "got.jsonl"
    given.write_text(HEADER + "".join(f"crm-{n},Ana,ana@example.org,s,m{n}\n" for n in range(1200)))
    first = await installation.pok("import", given)
    assert first == Ran(0, "1,200 imported, 0 there already, 0 rejected\n", "")
    again = await installation.pok("import", "--triage", given)
    assert again.output == "0 imported, 1,200 there already, 0 rejected\n"
    assert (await installation.pok("export", "--format", "jsonl", "-o", got)).status == 0
    assert {json.loads(line)["message"] for line in got.read_text().splitlines()} == {f"m{n}" for n in range(1200)}
    assert not got.with_name("got.jsonl.part").exists()
    filtered = await installation.pok("export", "--filter", "status=spam")
    assert filtered.output.startswith("\ufeffid,reference,")
    assert len(filtered.output.splitlines()) == 1


async def test_rejected_rows_are_told(installation: Installation, tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text(HEADER + "crm-1,Ana,ana@example.org,s,m\ncrm-2,Ana,ana,s,m\ntoo,few\n")
    ran = await installation.pok("import", given)
    assert ran.status == 1
    assert ran.output.splitlines() == [
        "row 3 crm-2: customer_email: Must be an e-mail address such as ana@example.com.",
        "row 4 : It has 2 cells, the header 5.",
        "1 imported, 0 there already, 2 rejected",
    ]


async def test_what_went_wrong_is_said_in_a_sentence(installation: Installation, tmp_path: Path) -> None:
    given, odd = tmp_path / "given.csv", tmp_path / "given.xlsx"
    given.write_text("colour\nred\n")
    odd.touch()
    unknown = await installation.pok("import", given)
    assert unknown.status == 1
    assert "The columns are not those of an import." in unknown.errors
    assert "colour is not known here" in unknown.errors
    for ran, said in (
        (await installation.pok("import", odd), "should end with .csv"),
        (await installation.pok("import", tmp_path / "none.csv"), "There is no file"),
        (await installation.pok("import", given, POK_TOKEN="x"), "The access token is not valid."),
        (await installation.pok("import", given, POK_TOKEN=""), "Name an administrator with --email"),
        (await installation.pok("export", "--filter", "status=sad"), "status must be a list"),
        (await installation._replace(url="http://127.0.0.1:1").pok("import", given), "Repeat the same command"),
        (await installation._replace(url="here").pok("export"), "is not an address"),
    ):
        assert ran.status == 1
        assert ran.errors.startswith("pok: ")
        assert said in ran.errors
        assert "Traceback" not in ran.errors
