"""The services that the worker calls: whether they can be reached at present."""

import asyncio
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from runtime.rpc.errors import RpcError
from worker import backoff

PROBE_TIMEOUT = 2.0
LONGEST_PAUSE = 0.5
"""Seconds between two probes: they cost next to nothing, and the first answer after a start waits for them."""

log = structlog.get_logger(__name__)


class Peer:
    """One service: not known to serve until a health probe says so, and again after a call did not reach it."""

    def __init__(self, name: str, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self._name = name
        self._health: Any = health_pb2_grpc.HealthStub(channel)  # its methods are not typed
        self._serving = False

    def lost(self) -> None:
        """Note that a call did not reach it."""
        if self._serving:
            log.warning("peer_lost", peer=self._name)
        self._serving = False

    async def until_serving(self) -> None:
        """Return at once while it is known to serve; otherwise probe until it does."""
        delays = backoff.delays(most=LONGEST_PAUSE)
        while not self._serving:
            self._serving = await self._probe()
            if self._serving:
                log.info("peer_serving", peer=self._name)
            else:
                await asyncio.sleep(next(delays))

    async def _probe(self) -> bool:
        try:
            answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=PROBE_TIMEOUT)
        except RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
