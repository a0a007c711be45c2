"""More edges and inquiry services: whether a request costs the same however many there are of both."""

from collections import defaultdict
from collections.abc import AsyncIterator

import psutil

from benchmarks.client import Request, load
from benchmarks.measuring import Options, create, measured
from benchmarks.processes import seconds_of
from benchmarks.report import Figures, Result
from tests.support.cluster import Cluster, cluster

COUNTS = (1, 2, 4)
EACH = 1
"""Connections for each edge: as busy with few as with many, so that what comes together is the same."""
LISTED = 500
"""Inquiries that lists find."""
TRIAGE = ("ai", "worker")
"""Not started: what they do is no part of a request."""


class Replicated:
    """A cluster as it is measured."""

    def __init__(self, system: Cluster) -> None:
        self._system = system
        self.address = str(system.http.base_url)

    def seconds(self) -> Figures:
        """Seconds of a processor so far; replicas together."""
        used: Figures = defaultdict(float)
        for name, member in self._system.members.items():
            if member.runs:
                used[name.partition("-")[0]] += seconds_of(psutil.Process(member.pid))
        return used


async def run(options: Options) -> AsyncIterator[Result]:
    """Measure."""
    for count in COUNTS:
        async with cluster(inquiries=count, POK_EDGE_WORKERS=str(count)) as system:
            await system.start(without=TRIAGE)
            running = Replicated(system)
            await load(running.address, create, EACH, count=LISTED)
            staff = f"Authorization: {system.http.headers['authorization']}\r\n"
            page = Request("GET", "/api/inquiries/", headers=staff)
            for name, requests in (("create", create), ("list, first page", lambda _, page=page: page)):
                figures, costs = await measured(running, requests, EACH * count, options)
                yield Result(name, f"{count} edge and {count} inquiry processes", figures, costs)
