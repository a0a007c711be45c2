"""The inquiry service as a process of its own."""

import asyncio
import os
import socket
import sys

from tests.support.tokens import LISTED, TOKENS


async def test_taken_address_is_said_in_a_sentence(database_url: str, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "inquiry_service"),
            env={
                **os.environ,
                "POK_DATABASE_URL": database_url,
                "POK_REDIS_URL": redis_url,
                "POK_INQUIRY_LISTEN": address,
                "POK_SERVICE_TOKENS": LISTED,
                "POK_SERVICE_TOKEN": TOKENS["inquiry"],
                "POK_TRACKING_KEY": "t" * 32,
            },
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1] == f"settings: {address} is taken, or no address of this machine"
    assert "Traceback" not in errors.decode()
