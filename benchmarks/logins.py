"""Logging in tells nobody who has an account, and many at once do not slow the others down.

    POK_RATE_LIMITS=off make up
    .venv/bin/python -m benchmarks.logins http://127.0.0.1:8000

Exits with 1 when the median times of an unknown address and of a wrong password differ by more than 5% (they take
turns, 200 times each), or when 200 logins at once get another answer than 401 or 503, or another route fails meanwhile.
"""

import asyncio
import statistics
import sys
import time
import uuid

import httpx

TRIES = 200
AT_ONCE = 200
LARGEST_DIFFERENCE = 0.05
PASSWORD = "a password of its own"
LOGIN, OTHER = "/api/token/", "/api/inquiries/"


async def seconds_of_a_failure(client: httpx.AsyncClient, email: str) -> float:
    """How long a login takes to be refused."""
    began = time.perf_counter()
    answer = await client.post(LOGIN, json={"email": email, "password": "a wrong password"})
    took = time.perf_counter() - began
    if answer.status_code != 401:
        sys.exit(f"A wrong login was answered with {answer.status_code}: start POK with POK_RATE_LIMITS=off.")
    return took


async def compare(client: httpx.AsyncClient) -> bool:
    """Whether nobody can tell by the time who has an account."""
    known, unknown = (f"{uuid.uuid4().hex}@example.org" for _ in range(2))
    registration = {"email": known, "password": PASSWORD, "name": "Ana"}
    (await client.post("/api/register/", json=registration)).raise_for_status()
    times: dict[str, list[float]] = {known: [], unknown: []}
    for _ in range(TRIES):
        for email, taken in times.items():
            taken.append(await seconds_of_a_failure(client, email))
    wrong, nobody = (statistics.median(taken) for taken in times.values())
    difference = abs(wrong - nobody) / wrong
    print(f"wrong password {wrong * 1000:.1f} ms, unknown address {nobody * 1000:.1f} ms: {difference:.1%} apart")
    return difference <= LARGEST_DIFFERENCE


async def crowd(client: httpx.AsyncClient) -> bool:
    """Whether others are served while many log in."""
    alone = [await seconds_of(client) for _ in range(50)]
    body = {"email": "nobody@example.org", "password": PASSWORD}
    logins = asyncio.gather(*(client.post(LOGIN, json=body) for _ in range(AT_ONCE)))
    among_many = []
    while not logins.done():
        among_many.append(await seconds_of(client))
    statuses = sorted({answer.status_code for answer in await logins})
    ratio = statistics.median(among_many) / statistics.median(alone)
    print(f"{AT_ONCE} logins at once were answered with {statuses}; {OTHER} took {ratio:.1f} times as long meanwhile")
    return set(statuses) <= {401, 503}


async def seconds_of(client: httpx.AsyncClient) -> float:
    """How long another route takes."""
    began = time.perf_counter()
    (await client.get(OTHER)).raise_for_status()
    return time.perf_counter() - began


async def main(address: str) -> int:
    """Measure; return the exit status."""
    limits = httpx.Limits(max_connections=AT_ONCE + 10)
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
        results = [await compare(client), await crowd(client)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
