"""Passwords: what they must be like, and their hashes, made outside the event loop."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from runtime.rpc.errors import FieldViolation, Unavailable

SHORTEST = 8
LONGEST = 128
THREADS = 2
MOST_AT_ONCE = 32
"""Running and waiting; at some 30 ms each the last one waits about half a second."""

# The commonest of 8 and more characters in published leaks; shorter ones are refused anyway.
COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split())

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

T = TypeVar("T")


def normal(password: str) -> str:
    """The same password whichever keyboard typed it (NFKC, as NIST SP 800-63B recommends); never truncated."""
    return unicodedata.normalize("NFKC", password)


def violations(field: str, password: str) -> Iterator[FieldViolation]:
    """What is wrong with a new password; lengths are in code points after normalisation."""
    chosen = normal(password)
    if not SHORTEST <= len(chosen) <= LONGEST:
        yield FieldViolation(field, f"Must have {SHORTEST} to {LONGEST} characters.")
    elif chosen.casefold() in COMMON:
        yield FieldViolation(field, "Is one of the commonest passwords.")


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_urlsafe())


class Passwords:
    """argon2id with OWASP's parameters; every new and every checked password costs one hash, known account or not."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or HASHER
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._at_once = 0
        self._nobodys = _hash_of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Unavailable when too many wait."""
        return await self._run(lambda: self._hasher.hash(normal(password)))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of this hash; takes as long, and says no, for None. Raises Unavailable."""
        hashed = stored or self._nobodys
        return await self._run(lambda: self._verify(hashed, normal(password))) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Give the threads back."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._at_once >= MOST_AT_ONCE:
            raise Unavailable("Too many people are signing in at the moment.", reason="SIGN_IN_BUSY", retry_delay=1.0)
        self._at_once += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._at_once -= 1
