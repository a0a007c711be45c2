"""Lists, searches, details and changes in one installation as it fills up: they should not notice."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from pok.inquiry.v1 import inquiry_pb2 as pb

from benchmarks import limits
from benchmarks.client import Request
from benchmarks.installation import Installation, filled, fresh
from benchmarks.measuring import Options, Requests, as_staff, create, fetched, measured
from benchmarks.report import Figures, Result
from tests.support.inquiry import Service

SIZES = (10_000, 100_000, 1_000_000)
DEEP = 100_000
CONNECTIONS = 16
CHANGED = 400
"""Inquiries that are changed in turn."""

LIST, DETAIL = "/api/inquiries/", "/api/inquiries/{}/"
STATUSES = ("open", "pending", "resolved")
FILTER = "?category=billing_payment&status=open&language=es"
MIXED = "l" * 40 + "f" * 10 + "d" * 30 + "c" * 15 + "p" * 5
"""What a hundred requests are: pages, filtered pages, details, creates, changes."""


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    async with fresh() as running:
        for rows in (*(size for size in SIZES if size < options.rows), options.rows):
            await filled(running.system, rows)
            await running.system.sign_in()
            async for name, figures, cpu, least in _all(running, options):
                yield Result(name, f"{rows:,} rows, {CONNECTIONS} connections", figures, cpu, least)


async def _all(running: Installation, options: Options) -> AsyncIterator[tuple[str, Figures, Figures, Figures]]:
    ids = await _ids(running)
    deep = await _deep(running)
    asked: Mapping[str, str] = {
        "list, first page": LIST,
        "list, filtered": LIST + FILTER,
        "list, page after 100,000": f"{LIST}?page_token={quote(deep)}" if deep else LIST,
        "search, common word": f"{LIST}?q=pedido",
        "search, rare word": f"{LIST}?q=astrolabio",
    }
    requests: dict[str, Requests] = {
        name: partial(_same, as_staff(running, "GET", path)) for name, path in asked.items()
    }
    requests["detail"] = lambda number: as_staff(running, "GET", DETAIL.format(ids[number * 7 % len(ids)]))
    requests["patch"] = lambda number: _change(running, ids, number)
    requests["mixed"] = lambda number: _mixed(running, ids, number)
    calls: Mapping[str, Callable[[Service], Awaitable[Any]]] = {
        "list, first page": lambda service: service.inquiries.ListInquiries(pb.ListInquiriesRequest()),
        "detail": lambda service: service.get(ids[0]),
    }
    for name, ask in requests.items():
        figures, cpu = await measured(running, ask, CONNECTIONS, options)
        least: Figures = {}
        if name in calls:
            script = await limits.asked(running, calls[name])
            least = await limits.pgbench(running, script, CONNECTIONS, options.seconds)
        yield name, figures, cpu, least


async def _ids(running: Installation) -> list[str]:
    found: list[str] = []
    token = ""
    while len(found) < CHANGED and (token or not found):
        page = json.loads(await fetched(running, f"{LIST}?page_size=100&page_token={quote(token)}"))
        found += [item["id"] for item in page["items"]]
        token = page["next_page_token"] or ""
    return found


async def _deep(running: Installation) -> str:
    """The token of the page after so many rows, or of the last one."""
    token = ""
    for _ in range(DEEP // 100):
        page = json.loads(await fetched(running, f"{LIST}?page_size=100&page_token={quote(token)}"))
        if not page["next_page_token"]:
            break
        token = page["next_page_token"]
    return token


def _same(request: Request, _number: int) -> Request:
    return request


def _change(running: Installation, ids: list[str], number: int) -> Request:
    # Each gets another status each time round, so that every request changes something.
    body = {"status": STATUSES[number // len(ids) % len(STATUSES)]}
    return as_staff(running, "PATCH", DETAIL.format(ids[number % len(ids)]), json.dumps(body).encode())


def _mixed(running: Installation, ids: list[str], number: int) -> Request:
    match MIXED[number * 37 % len(MIXED)]:
        case "l":
            return as_staff(running, "GET", LIST)
        case "f":
            return as_staff(running, "GET", LIST + FILTER)
        case "d":
            return as_staff(running, "GET", DETAIL.format(ids[number * 7 % len(ids)]))
        case "c":
            return create(number)
        case _:
            return _change(running, ids, number // 20)
