"""Starts processes as soon as what they need is ready, keeps them running, and stops them in order."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from runtime.stack.logs import Log
from runtime.stack.process import Child, Process, ProcessFailedError, describe_exit

FIRST_PAUSE = 0.5  # seconds before a crashed process is started again; doubled with each crash
LONGEST_PAUSE = 30.0
SETTLED = 60.0  # seconds after which a process that ran counts as sound again
GRACE = 25.0  # seconds that all processes together have to stop
LEAST_GRACE = 2.0  # what a process gets of it if those before it took all


class Supervisor:
    """Runs the processes of one installation; `say` takes one line for the person who watches."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._folder = logs
        self._say = say
        self._logs: dict[str, Log] = {}
        self._children: dict[str, Child] = {}
        self._ready: dict[str, asyncio.Event] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self, processes: Iterable[Process]) -> None:
        """Start all, side by side where they allow it; return when all are ready.

        Raises ProcessFailedError for the first that fails; what runs by then is left to `stop`.
        """
        processes = list(processes)
        self._ready.update({process.name: asyncio.Event() for process in processes})
        self._logs.update({process.name: Log(self._folder / f"{process.name}.log") for process in processes})
        try:
            async with asyncio.TaskGroup() as group:
                for process in processes:
                    group.create_task(self._start(process))
        except* ProcessFailedError as failures:
            raise failures.exceptions[0] from None

    async def stop(self, order: Sequence[str]) -> None:
        """Stop what runs, in the order given; what does not end in time is killed."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.wait(self._keepers) if self._keepers else None
        deadline = time.monotonic() + GRACE
        for name in order:
            if child := self._children.pop(name, None):
                await child.stop(grace=max(LEAST_GRACE, deadline - time.monotonic()))
        for log in self._logs.values():
            log.close()

    async def _start(self, process: Process) -> None:
        for name in process.after:
            await self._ready[name].wait()
        began = time.monotonic()
        child = await self._launch(process)
        await child.until_ready()
        self._say(f"{process.name} {'is done' if process.once else 'is ready'} in {time.monotonic() - began:.1f} s")
        self._ready[process.name].set()
        if not process.once:
            self._keepers.append(asyncio.create_task(self._keep(process, child)))

    async def _launch(self, process: Process) -> Child:
        child = await Child.start(process, self._logs[process.name])
        self._children[process.name] = child
        return child

    async def _keep(self, process: Process, child: Child) -> None:
        pause = FIRST_PAUSE / 2
        began = time.monotonic()
        while True:
            reason = describe_exit(await asyncio.shield(child.exit))
            pause = FIRST_PAUSE if time.monotonic() - began > SETTLED else min(pause * 2, LONGEST_PAUSE)
            self._say(
                f"{process.name} {reason}; starting it again in {pause:g} s (log: {self._logs[process.name].path})"
            )
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                child = await self._launch(process)
                await child.until_ready()
                self._say(f"{process.name} runs again")
            except ProcessFailedError as error:
                self._say(str(error))
                await child.stop(LEAST_GRACE)
