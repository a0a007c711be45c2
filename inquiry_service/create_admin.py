"""`python -m inquiry_service create-admin`: add an administrator from the command line."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from getpass import getpass

from inquiry_service.domain.accounts import Accounts, NewAccount
from inquiry_service.domain.passwords import Passwords
from inquiry_service.settings import DatabaseSettings
from inquiry_service.storage.database import Database
from runtime import settings
from runtime.rpc.errors import InvalidArgument, Unavailable

DONE, FAILED, BAD_INPUT, EXISTS = 0, 1, 2, 3


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 done (or, with --if-none, nothing to do), 2 bad input, 3 the address is taken."""
    parser = argparse.ArgumentParser(prog="create-admin", description="Add an administrator.")
    parser.add_argument("--email", required=True)
    parser.add_argument("--name", default="Administrator")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument("--if-none", action="store_true", help="do nothing if there is an administrator already")
    chosen = parser.parse_args(arguments)
    try:
        password = _from_stdin() if chosen.password_stdin else _asked_twice()
        new = NewAccount(email=chosen.email, password=password, name=chosen.name, role="admin")
        return asyncio.run(_add(settings.load(DatabaseSettings).database_url, new, only_if_none=chosen.if_none))
    except InvalidArgument as error:
        return _failed(BAD_INPUT, *(f"{field}: {description}" for field, description in error.violations))
    except (ValueError, EOFError, settings.SettingsError) as error:
        return _failed(BAD_INPUT, str(error) or "No password was given.")
    except Unavailable as error:
        return _failed(FAILED, error.message)


async def _add(database_url: str, new: NewAccount, *, only_if_none: bool) -> int:
    database, hashes = Database(database_url, size=1), Passwords()
    await database.open()
    try:
        accounts = Accounts(database, hashes)
        if only_if_none and await accounts.has_admin():
            print("There is an administrator already; nothing was changed.")  # noqa: T201
            return DONE
        if not await accounts.add(new):
            return _failed(EXISTS, "There is an account with this address already; nothing was changed.")
        print(f"Added the administrator {new.email}.")  # noqa: T201
        return DONE
    finally:
        hashes.close()
        await database.close()


def _from_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("The password must be UTF-8.") from None


def _asked_twice() -> str:
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise ValueError("The two passwords differ.")
    return password


def _failed(status: int, *reasons: str) -> int:
    for reason in reasons:
        print(reason, file=sys.stderr)  # noqa: T201
    return status
