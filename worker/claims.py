"""The claims that this worker holds: prolonged together, ended when they are lost, given back at shutdown."""

import asyncio
import importlib.metadata
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import structlog
from msgspec import Struct
from pok.inquiry.v1 import triage_pb2 as pb
from pok.inquiry.v1.triage_pb2_grpc import TriageServiceStub

from runtime.rpc.errors import RpcError
from worker.metrics import CLAIMS, ENDED, WORK_SECONDS

HEARTBEAT = 10.0
"""Seconds between two renewals unless a lease is so short that it needs more."""
RETRY = 1.0
RELEASE_TIMEOUT = 3.0
VERSION = importlib.metadata.version("pok")

log = structlog.get_logger(__name__)


class _Lease(Struct, frozen=True):
    key: pb.ClaimKey
    seconds: float
    scope: asyncio.Timeout

    def renewed_at(self, now: float) -> None:
        self._ends_at(now + self.seconds)

    def end(self) -> None:
        self._ends_at(asyncio.get_running_loop().time())

    def _ends_at(self, when: float) -> None:
        if not self.scope.expired():
            self.scope.reschedule(when)


class Claims:
    """A lease is a timeout around the work: each renewal moves it on, and losing the claim ends the work."""

    def __init__(self, worker: str, concurrency: int, channel: grpc.aio.Channel) -> None:
        self._worker = worker
        self._concurrency = concurrency
        self._triage = TriageServiceStub(channel)
        self._held: dict[tuple[str, int], _Lease] = {}
        self._interval = HEARTBEAT
        self._shortened = asyncio.Event()

    @asynccontextmanager
    async def holding(self, claim: pb.Claim, since: float) -> AsyncIterator[None]:
        """Keep the claim while the body runs; the body is cancelled, without an error, when it is lost.

        `since` is the loop's time when the claim was asked for: its lease cannot have begun earlier.
        """
        seconds = claim.lease.ToTimedelta().total_seconds()
        self._renew_within(seconds / 3)
        name = _name(claim.key)
        scope = asyncio.timeout_at(since + seconds)
        try:
            async with scope:
                self._held[name] = _Lease(claim.key, seconds, scope)
                try:
                    with CLAIMS.track_inprogress(), WORK_SECONDS.time():
                        yield
                finally:
                    del self._held[name]
        except TimeoutError:
            if not scope.expired():
                raise
            ENDED.labels("interrupted").inc()
            log.warning("claim_ended", inquiry_id=claim.key.inquiry_id, claim=claim.key.claim)

    async def renew(self) -> None:
        """Prolong all leases every third of the shortest, for ever; with none it is this worker's heartbeat."""
        while True:
            renewed = await self._renew_all()
            await self._pause(self._interval if renewed else min(self._interval, RETRY))

    async def release_all(self) -> None:
        """End the work on all claims and give them back, so that other workers need not wait for their leases."""
        leases = list(self._held.values())
        for lease in leases:
            lease.end()
        await asyncio.gather(*(self._release(lease.key) for lease in leases))

    async def say_goodbye(self) -> None:
        """This worker has stopped: nobody need wait to hear from it."""
        request = pb.RenewTriagesRequest(worker=self._worker, process=self._process(), stopped=True)
        try:
            await self._triage.RenewTriages(request, timeout=RELEASE_TIMEOUT)
        except RpcError as error:
            log.warning("goodbye_failed", reason=error.reason)

    def _process(self) -> pb.WorkerProcess:
        process = pb.WorkerProcess(
            host=socket.gethostname(), pid=os.getpid(), version=VERSION, concurrency=self._concurrency
        )
        process.interval.FromMilliseconds(round(self._interval * 1000))
        return process

    async def _renew_all(self) -> bool:
        sent = asyncio.get_running_loop().time()
        asked = dict(self._held)
        claims = [lease.key for lease in asked.values()]
        request = pb.RenewTriagesRequest(worker=self._worker, claims=claims, process=self._process())
        try:
            response = await self._triage.RenewTriages(request, timeout=self._interval)
        except RpcError as error:
            log.warning("renewal_failed", reason=error.reason, claims=len(asked))
            return False
        lost = {_name(key) for key in response.lost}
        for name in asked.keys() & self._held.keys():
            if name in lost:
                self._held[name].end()
            else:
                self._held[name].renewed_at(sent)
        return True

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._shortened.wait()
        self._shortened.clear()

    def _renew_within(self, seconds: float) -> None:
        if seconds < self._interval:
            self._interval = seconds
            self._shortened.set()

    async def _release(self, key: pb.ClaimKey) -> None:
        try:
            await self._triage.ReleaseTriage(pb.ReleaseTriageRequest(key=key), timeout=RELEASE_TIMEOUT)
        except RpcError as error:
            log.warning("release_failed", inquiry_id=key.inquiry_id, claim=key.claim, reason=error.reason)


def _name(key: pb.ClaimKey) -> tuple[str, int]:
    return key.inquiry_id, key.claim
