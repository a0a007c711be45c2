"""What makes guessing passwords slow: delays that grow with failures, for an account and for an address.

A failure counts for the account and for the client's address. From the fifth failure of an account (the twentieth of
an address) each one doubles the time in which no further attempt is looked at: 1 s, 2 s, 4 s … 15 min. Every quarter
of an hour forgives one. An address from which the account was opened once counts apart with it for 30 days, so that
the guesses of others do not keep the owner out.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from edge_api.counters import Counters, CountersUnavailableError
from edge_api.proxies import network_of
from runtime.rpc.errors import ResourceExhausted, RpcError

FREE_ACCOUNT_FAILURES = 4
FREE_ADDRESS_FAILURES = 19
LONGEST_DELAY = 15 * 60
FORGIVE_AFTER = 15 * 60
FAILURES = frozenset({"BAD_CREDENTIALS", "WRONG_PASSWORD"})
REMEMBER = 30 * 24 * 3600
"""Seconds."""

# Takes every attempt for a failure until it succeeds, so that attempts at the same time cannot all be the first.
# KEYS: whether the address is known, the failures of account and address together, of the account, of the address.
BEGIN = """
local longest, forgive = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local known = redis.call('EXISTS', KEYS[1])
local counts = {{known == 1 and KEYS[2] or KEYS[3], tonumber(ARGV[1])}, {KEYS[4], tonumber(ARGV[2])}}
local wait = 0
for _, count in ipairs(counts) do
  local stored = redis.call('HMGET', count[1], 'failures', 'at', 'closed')
  local forgiven = math.floor((now - (tonumber(stored[2]) or now)) / (forgive * 1000))
  count[3] = math.max(0, (tonumber(stored[1]) or 0) - forgiven) + 1
  wait = math.max(wait, (tonumber(stored[3]) or 0) - now)
end
if wait > 0 then return {wait, known} end
for _, count in ipairs(counts) do
  local over = count[3] - count[2]
  local delay = over > 0 and math.min(longest, 2 ^ (over - 1)) or 0
  redis.call('HSET', count[1], 'failures', count[3], 'at', now, 'closed', now + delay * 1000)
  redis.call('EXPIRE', count[1], count[3] * forgive)
end
return {0, known}
"""

# Takes back what BEGIN has counted; a success also makes the address known.
# KEYS: as for BEGIN. ARGV: was it known, did it succeed, seconds to remember.
END = """
for _, key in ipairs({ARGV[1] == '1' and KEYS[2] or KEYS[3], KEYS[4]}) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBY', key, 'failures', -1)
    redis.call('HSET', key, 'closed', 0)
  end
end
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[1], 1, 'EX', ARGV[3])
end
return {}
"""


class _Keys(NamedTuple):
    known: str
    pair: str
    account: str
    address: str


class LoginThrottle:
    """Guards attempts to log in; while Valkey is away, or without counters, only the rate of logins does."""

    def __init__(self, counters: Counters | None) -> None:
        self._counters = counters

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """Around one check of a password. Raises ResourceExhausted, without a check, while there is a delay."""
        keys = _keys(email, network_of(address))
        known = await self._begin(keys)
        try:
            yield
        except RpcError as error:
            if error.reason not in FAILURES:  # nobody has looked at the password
                await self._end(keys, known, succeeded=False)
            raise
        await self._end(keys, known, succeeded=True)

    async def _begin(self, keys: _Keys) -> int:
        limits = [FREE_ACCOUNT_FAILURES, FREE_ADDRESS_FAILURES, LONGEST_DELAY, FORGIVE_AFTER]
        wait, known = await self._run(BEGIN, keys, limits) or (0, 0)
        if wait > 0:
            raise ResourceExhausted("Too many failed attempts to log in; wait a little.", retry_delay=wait / 1000)
        return known

    async def _end(self, keys: _Keys, known: int, *, succeeded: bool) -> None:
        await self._run(END, keys, [known, int(succeeded), REMEMBER])

    async def _run(self, script: str, keys: _Keys, arguments: list[int]) -> list[int] | None:
        if self._counters is None:
            return None
        try:
            return await self._counters.run(script, keys, arguments)
        except CountersUnavailableError:
            return None


def _keys(email: str, network: str) -> _Keys:
    account = _digest(email.strip().lower())
    pair = _digest(f"{account} {network}")
    return _Keys(
        f"login:known:{pair}", f"login:failures:{pair}", f"login:failures:{account}", f"login:failures:{network}"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
