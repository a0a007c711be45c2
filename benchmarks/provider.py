"""An OpenAI-compatible provider whose answers take a known time, as a process of its own.

    .venv/bin/python -m benchmarks.provider FILE

Prints its address and serves until it is ended; FILE holds the milliseconds that each answer takes, and may be written
anew at any time. It is the stub of the fault tests.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from tests.support.openai_stub import OpenAIStub, Reply, Request, answering


class Provider:
    """The process, as a benchmark holds it."""

    def __init__(self, file: Path, address: str) -> None:
        self._file = file
        self.address = address

    def take(self, milliseconds: int) -> None:
        """Have every answer take so long from now on."""
        self._file.write_text(str(milliseconds))


@contextlib.asynccontextmanager
async def provider(file: Path) -> AsyncIterator[Provider]:
    """Run one; its answers take no time until told otherwise."""
    command = (sys.executable, "-m", "benchmarks.provider", str(file))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        yield Provider(file, (await process.stdout.readline()).decode().strip())
    finally:
        process.terminate()
        await process.wait()


async def serve(file: Path) -> None:
    """Serve."""
    stub = OpenAIStub()
    reply = answering()({})

    def behave(_request: Request) -> Reply:
        stub.requests.clear()
        return msgspec.structs.replace(reply, delay=float(file.read_text() or 0) / 1000)

    stub.behave = behave
    await stub.start()
    print(stub.base_url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.provider FILE")
    Path(sys.argv[1]).write_text("0")
    asyncio.run(serve(Path(sys.argv[1])))
