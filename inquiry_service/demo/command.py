"""`python -m inquiry_service demo`: fill an installation with the demo, or take the demo away."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from inquiry_service.demo.acting import Acting, StalledError
from inquiry_service.demo.story import DAYS, PREFIX, tell, words
from inquiry_service.domain.accounts import Accounts, NewAccount
from inquiry_service.domain.passwords import Passwords
from inquiry_service.settings import MigrationSettings
from inquiry_service.storage import demo
from inquiry_service.storage.database import Database
from runtime import settings
from runtime.rpc.errors import Unavailable

THERE = "The demo is there already: pok demo --remove takes it away."
NOT_EMPTY = (
    "There are {} inquiries here that are not of the demo. pok demo --anyway adds the demo to them; "
    "pok demo --remove later takes away the demo only."
)
STALLED = "The inquiries are not analysed. Does POK run (pok up)? pok demo --remove, then try again."


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 done, 1 not, with the reason in a sentence."""
    parser = argparse.ArgumentParser(
        prog="pok demo",
        description=f"Fill this installation with {DAYS} days of made-up inquiries. POK must be running.",
    )
    parser.add_argument("--remove", action="store_true", help="take exactly these away again")
    parser.add_argument("--anyway", action="store_true", help="add them although there are other inquiries")
    chosen = parser.parse_args(arguments)
    try:
        given = settings.load(MigrationSettings)
        database = Database(given.migration_database_url or given.database_url, size=2)
        return asyncio.run(_run(database, remove=chosen.remove, anyway=chosen.anyway))
    except (settings.SettingsError, Unavailable) as error:
        return _failed(str(error))


async def _run(database: Database, *, remove: bool, anyway: bool) -> int:
    await database.open()
    try:
        return await (take_away(database) if remove else fill(database, anyway=anyway))
    finally:
        await database.close()


async def fill(database: Database, *, anyway: bool, every: int = 1) -> int:
    """Play the story, or every so manieth case of it; refuse where there is something else, unless `anyway`."""
    there = await demo.count(database, PREFIX)
    if there.ours:
        return _failed(THERE)
    if there.others and not anyway:
        return _failed(NOT_EMPTY.format(f"{there.others:,}"))
    said = words()
    agents = await _agents(database, said["agents"])
    cases = tell(datetime.now(UTC), len(agents))[::every]
    acting = Acting(database, agents, said)
    try:
        await acting.play(cases, _waiting)
    except StalledError:
        return _failed(STALLED)
    async with database.transaction() as connection:
        await demo.move(connection, acting.marks)
    print(f"\r{len(cases)} inquiries of {DAYS} days are there. pok demo --remove takes them away again.")  # noqa: T201
    return 0


async def _agents(database: Database, people: Sequence[Mapping[str, str]]) -> list[UUID]:
    hashes = Passwords()
    try:
        accounts = Accounts(database, hashes)
        # Nobody knows the password: these accounts are to be seen, not used.
        added = [
            await accounts.add(NewAccount(**person, role="support", password=secrets.token_urlsafe(32)))
            for person in people
        ]
    finally:
        hashes.close()
    return [account.id for account in added if account]


async def take_away(database: Database) -> int:
    """Remove all that `fill` has made."""
    emails = [agent["email"] for agent in words()["agents"]]
    async with database.transaction() as connection:
        removed = await demo.remove(connection, PREFIX, emails)
    print(f"{removed} inquiries of the demo were removed." if removed else "There is no demo here.")  # noqa: T201
    return 0


def _waiting(inquiries: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{inquiries:>4} to be analysed ", end="", flush=True)  # noqa: T201


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201
    return 1
