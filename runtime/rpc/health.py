"""Asks a server how it is, as containers' health checks do."""

from http.client import HTTPException
from urllib.request import urlopen

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 3.0


def answers(url: str) -> bool:
    """Whether this address answers with a success within 3 s."""
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS):  # noqa: S310 - whoever asks names the address
            return True
    except (OSError, HTTPException):
        return False


def serves(address: str) -> bool:
    """Whether the gRPC server at `host:port` says SERVING within 3 s."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(  # type: ignore[attr-defined] # typeshed leaves it out
                health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
