"""One caller of a gRPC server can send, open and ask only so much."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import generate_latest

from runtime.rpc import client, server
from runtime.rpc.server import RpcServer
from tests.support.tokens import service_tokens

PATIENCE = 10.0
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # and a frame without settings
BROKEN = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a plain port
    b"\0" * 100_000,
    PREFACE + b"\xff" * 64,  # a frame of 16 MB
    PREFACE + b"\0\0\5\1\4\0\0\0\1" + b"\xff" * 5,  # headers that are none
    PREFACE + b"\0\0\5\1\4\0\0\0\2" + b"\xff" * 5,  # of a stream that a server begins
)
UNKNOWN = ("/pok.inquiry.v1.InquiryService/DropEverything", "/grpc.health.v1.Health/Nothing", "/no/such", "/", "no")
SLOW = 300
SETTINGS_FRAME, MAX_CONCURRENT_STREAMS = 4, 3
KILOBYTE = 1024


@pytest.fixture
async def rpc_server() -> AsyncIterator[RpcServer]:
    running = RpcServer("127.0.0.1:0", service_tokens(), [], reflect=False)
    await running.start()
    await running.serving()
    yield running
    await running.stop(0)


async def asked(rpc_server: RpcServer, service: str = "", metadata: tuple[tuple[str, str], ...] = ()) -> object:
    """What the health service says, or with which code the call ended."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{rpc_server.port}") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = await health.Check(request, timeout=PATIENCE, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return answer.status


async def test_message_and_metadata_are_bounded(rpc_server: RpcServer) -> None:
    assert await asked(rpc_server, "x" * 3 * KILOBYTE**2) == grpc.StatusCode.NOT_FOUND
    assert await asked(rpc_server, "x" * 5 * KILOBYTE**2) == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await asked(rpc_server, metadata=(("x-long", "x" * 8 * KILOBYTE),)) == health_pb2.HealthCheckResponse.SERVING
    assert await asked(rpc_server, metadata=(("x-long", "x" * 64 * KILOBYTE),)) == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_streams_of_one_connection_are_bounded(rpc_server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", rpc_server.port)
    writer.write(PREFACE)
    async with asyncio.timeout(PATIENCE):
        head = await reader.readexactly(9)
        body = await reader.readexactly(int.from_bytes(head[:3]))
    writer.close()
    assert head[3] == SETTINGS_FRAME
    assert dict(struct.iter_unpack(">HI", body))[MAX_CONCURRENT_STREAMS] <= 1_000


@pytest.mark.parametrize("path", UNKNOWN)
async def test_unknown_method_is_refused_and_counted_nowhere(rpc_server: RpcServer, path: str) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{rpc_server.port}") as channel:
        call: Any = channel.unary_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"", timeout=PATIENCE)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert f'"{path}"' not in generate_latest().decode()


@pytest.mark.parametrize("sent", BROKEN, ids=range(len(BROKEN)))
async def test_broken_frames_end_their_own_connection_only(rpc_server: RpcServer, sent: bytes) -> None:
    before = asyncio.create_task(asked(rpc_server))
    reader, writer = await asyncio.open_connection("127.0.0.1", rpc_server.port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            await reader.read()
    writer.close()
    assert await before == await asked(rpc_server) == health_pb2.HealthCheckResponse.SERVING


async def test_slow_callers_hold_up_nobody(rpc_server: RpcServer) -> None:
    begun = [await asyncio.open_connection("127.0.0.1", rpc_server.port) for _ in range(SLOW)]
    for number, (_, writer) in enumerate(begun):
        writer.write(PREFACE[: number % len(PREFACE)])
        await writer.drain()
    for _ in range(10):
        assert await asked(rpc_server) == health_pb2.HealthCheckResponse.SERVING
    for _, writer in begun:
        writer.close()


def test_clients_of_ours_ping_no_more_often_than_servers_let_them() -> None:
    allowed: dict[str, Any] = dict(server.OPTIONS)
    pinged: dict[str, Any] = dict(client.OPTIONS)
    assert allowed["grpc.http2.min_ping_interval_without_data_ms"] < pinged["grpc.keepalive_time_ms"]
    assert allowed["grpc.keepalive_permit_without_calls"] == pinged["grpc.keepalive_permit_without_calls"] == 1


def test_connections_grow_old_and_calls_on_them_may_end() -> None:
    longest_call = 60_000
    assert 0 < dict(server.OPTIONS)["grpc.max_connection_age_ms"] <= 60 * 60 * 1000
    assert dict(server.OPTIONS)["grpc.max_connection_age_grace_ms"] >= longest_call
