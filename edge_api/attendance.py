"""Who watches: a stream ends soon after its session, or the role that let it in."""

import asyncio
import math
import time
from typing import NoReturn

import structlog

from edge_api.access import OPERATIONS
from edge_api.backend import Backend
from edge_api.live import Watcher
from runtime.rpc.errors import RpcError, Unauthenticated

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
AGAIN_SECONDS = 1.0
"""Until a check that could not be made is tried again; meanwhile the stream goes on."""


class Attendance:
    """Asks about each session with streams as soon as the edge's knowledge of it is too old."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._watchers: dict[str, set[Watcher]] = {}
        self._due: dict[str, float] = {}
        self._checks: set[asyncio.Task[None]] = set()

    def enter(self, session_id: str, watcher: Watcher) -> None:
        """From now on the watcher depends on the session."""
        self._watchers.setdefault(session_id, set()).add(watcher)
        self._due.setdefault(session_id, self._backend.sessions.stale_at(session_id))

    def leave(self, session_id: str, watcher: Watcher) -> None:
        """The watcher is gone."""
        watchers = self._watchers[session_id]
        watchers.discard(watcher)
        if not watchers:
            del self._watchers[session_id]
            del self._due[session_id]

    async def run(self) -> NoReturn:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for session_id in [session_id for session_id, due in self._due.items() if due <= now]:
                self._due[session_id] = math.inf
                check = asyncio.create_task(self._check(session_id))
                self._checks.add(check)
                check.add_done_callback(self._checks.discard)

    async def _check(self, session_id: str) -> None:
        due = time.monotonic() + AGAIN_SECONDS
        try:
            principal = await self._backend.sessions.principal(session_id)
            allowed = principal.role in OPERATIONS["stream_events"]
            due = self._backend.sessions.stale_at(session_id)
        except Unauthenticated:
            allowed = False
        except RpcError:
            allowed = True
        except Exception as error:
            log.error("session_check_failed", exc_info=error)
            allowed = True
        if session_id in self._due:
            self._due[session_id] = due
        if not allowed:
            for watcher in self._watchers.get(session_id, ()):
                watcher.end()
