"""The life of a process: one event loop, one stop signal, one composition root."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvloop

from runtime.settings import SettingsError

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(main: Callable[[], Main]) -> None:
    """Build the process with `main()` and run it until SIGTERM or SIGINT sets its stop event.

    Wrong settings end it with their list on stderr, without a traceback.
    """
    problems: list[str] = []
    try:
        uvloop.run(_until_stopped(main()))
    except* SettingsError as wrong:  # by itself, or out of a task group
        problems = [str(error) for error in wrong.exceptions]
    if problems:
        listed = "\n".join(problems)
        sys.exit(f"Settings are not complete:\n{listed}" if sys.stderr.isatty() else f"settings: {listed}")


def ready() -> None:
    """Tell whoever started this process that it can serve (the sd_notify protocol, as systemd and `pok up` speak it).

    Says READY=1 to the datagram socket in NOTIFY_SOCKET, once; without one, or without a listener, to nobody: the
    edge's second process may be ready when whoever waited for the first one has gone.
    """
    # What it consists of by now is no garbage, and looking through all of it would hold up the event loop for 50 to
    # 80 ms, several times a minute under load.
    gc.freeze()
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices, suppress(OSError):
        notices.connect(address)
        notices.send(b"READY=1")


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task that runs for ever and wait until it is over; raises what it failed with before.

    Repeated, because a library's own timeout can swallow a cancellation that meets it (redis-py 8, asyncio.wait_for
    before Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)
    if not task.cancelled():
        task.result()


async def _until_stopped(body: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await body(stop)
