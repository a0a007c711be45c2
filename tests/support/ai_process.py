"""The AI service as a process of its own."""

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.servers import free_ports
from tests.support.tokens import LISTED, TOKENS

PATIENCE = 60.0
IMPATIENT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100))


class Process:
    """Where it listens, what it notifies, what it logs."""

    def __init__(self, folder: Path, inquiry_address: str) -> None:
        self.address = f"127.0.0.1:{free_ports()}"
        self.log = folder / "log"
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(folder / "notify"))
        self._notices.setblocking(False)
        self._environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "POK_SERVICE_TOKENS": LISTED,
            "POK_SERVICE_TOKEN": TOKENS["ai"],
            "POK_AI_LISTEN": self.address,
            "POK_INQUIRY_ADDRESS": inquiry_address,
        }
        self.child: asyncio.subprocess.Process

    async def start(self, **environ: str) -> None:
        with self.log.open("wb") as log:
            command = (sys.executable, "-m", "ai_service")
            self.child = await asyncio.create_subprocess_exec(*command, env={**self._environ, **environ}, stderr=log)

    async def ready(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self._notices, 64)

    async def is_serving(self) -> bool:
        async with grpc.aio.insecure_channel(self.address, options=IMPATIENT) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE, wait_for_ready=True)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> int:
        self.child.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self.child.wait()
