"""The gate before the work: many pass together, or one alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Keeps the one inquiry that may crash its process apart from all others."""

    def __init__(self) -> None:
        self._inside = 0
        self._left = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_closed(self) -> bool:
        """Somebody is alone inside, or waits to be."""
        return not self._open.is_set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Be inside with others; waits while the gate is closed."""
        while self.is_closed:  # again after each wait: it may have closed once more before this task's turn
            await self._open.wait()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._left.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Close the gate and wait until all others have left. Only for one who is inside while the gate is open."""
        self._open.clear()
        try:
            while self._inside > 1:
                self._left.clear()
                await self._left.wait()
            yield
        finally:
            self._open.set()
