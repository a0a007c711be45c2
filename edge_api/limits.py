"""Rate limits: one shared count for each client, exact over all processes of the edge."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from edge_api.access import operation_of
from edge_api.counters import Counters, CountersUnavailableError
from edge_api.frame import add_headers
from edge_api.proxies import network_of
from edge_api.rates import BY_ADDRESS, Rate, RateClass, class_of
from runtime.rpc import context
from runtime.rpc.context import Principal
from runtime.rpc.errors import ResourceExhausted

MICROSECONDS = 1_000_000

# The generic cell rate algorithm: a key holds the time (µs) at which its whole burst will be back.
TAKE = """
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = now + burst * interval - full
if room >= interval then
  full = full + interval
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
end
return {room, full - now}
"""


class Verdict(NamedTuple):
    """Whether a call may pass; `room` and `full` are microseconds: left before it, and until the burst is back."""

    rate: Rate
    room: int
    full: int

    @property
    def allowed(self) -> bool:
        """Whether there was room for this call."""
        return self.room >= self.rate.interval

    @property
    def remaining(self) -> int:
        """Calls that may follow at once."""
        return max(0, self.room // self.rate.interval - 1)

    @property
    def retry_delay(self) -> float:
        """Seconds until there is room for one call."""
        return (self.rate.interval - self.room) / MICROSECONDS


class OwnCount:
    """The same algorithm for one process alone, for as long as Valkey is away."""

    MAX_KEYS = 10_000

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full: dict[str, int] = {}

    def take(self, key: str, rate: Rate) -> Verdict:
        """Count a call."""
        now = int(self._now() * MICROSECONDS)
        full = max(self._full.pop(key, 0), now)
        room = now + rate.burst * rate.interval - full
        if room >= rate.interval:
            full += rate.interval
        if len(self._full) >= self.MAX_KEYS:
            del self._full[next(iter(self._full))]
        self._full[key] = full
        return Verdict(rate, room, full - now)


class Limiter:
    """Counts a call for its class and its caller."""

    def __init__(self, counters: Counters, rates: Mapping[RateClass, Rate]) -> None:
        self._counters = counters
        self._rates = rates
        self._own = OwnCount()

    async def take(self, name: RateClass, principal: Principal) -> Verdict | None:
        """Count the call; None lets staff pass uncounted while Valkey is away, so that their work goes on."""
        rate = self._rates[name]
        by_address = name in BY_ADDRESS or principal.role == "anonymous"
        key = f"rate:{name}:{network_of(principal.address) if by_address else principal.account_id}"
        try:
            room, full = await self._counters.run(TAKE, [key], [rate.interval, rate.burst])
        except CountersUnavailableError:
            return None if name == "staff" else self._own.take(key, rate)
        return Verdict(rate, room, full)


class Limits(ASGIMiddleware):
    """Refuses calls over their rate; counted answers carry the fields of draft-ietf-httpapi-ratelimit-headers-10."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Raise ResourceExhausted where there is no room."""
        principal = context.principal()
        name = class_of(operation_of(scope["route_handler"]), principal)
        if name:
            verdict = await self._limiter.take(name, principal)
            if verdict:
                add_headers(scope, _headers(name, verdict))
                if not verdict.allowed:
                    raise ResourceExhausted("Too many requests; slow down.", retry_delay=verdict.retry_delay)
        await next_app(scope, receive, send)


def _headers(name: RateClass, verdict: Verdict) -> dict[str, str]:
    rate = verdict.rate
    reset = -(-verdict.full // MICROSECONDS)
    return {
        "RateLimit-Policy": f'"{name}";q={rate.burst};w={rate.window}',
        "RateLimit": f'"{name}";r={verdict.remaining};t={reset}',
    }
