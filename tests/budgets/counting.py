"""What one request costs in things that can be counted, and so are the same on any machine."""

import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

from prometheus_client import REGISTRY

from tests.support.statements import Log

REPEATED = 15
"""The least of so many is what the request costs: something else may happen beside one of them, never less."""

PACKAGES = ("/edge_api/", "/inquiry_service/", "/runtime/")

Cost = dict[str, int]


async def cost(ask: Callable[[], Awaitable[bytes]], log: Log) -> Cost:
    """The least that it costs to ask this, some times over."""
    await ask()  # what is prepared, cached or connected only once
    costs = [await _cost(ask, log) for _ in range(REPEATED)]
    return {name: min(one[name] for one in costs) for name in costs[0]}


async def _cost(ask: Callable[[], Awaitable[bytes]], log: Log) -> Cost:
    functions = 0

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal functions
        functions += event == "call" and any(package in frame.f_code.co_filename for package in PACKAGES)

    await log.restart()
    rpcs = _served()
    sys.setprofile(note)
    try:
        body = await ask()
    finally:
        sys.setprofile(None)
    statements = await log.asked()
    return {
        "statements": len(statements),
        "rpcs": _served() - rpcs,
        "bytes": len(body),
        "functions": functions,
    }


def _served() -> int:
    return sum(
        int(sample.value)
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "pok_rpc_served_total"
    )
