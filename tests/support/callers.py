"""Which services a running server lets call a method, found out by calling it."""

from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection, reflection_pb2

from runtime.rpc.client import dial
from runtime.rpc.errors import PermissionDenied, RpcError
from runtime.rpc.tokens import mint_debug_token
from runtime.settings import Secret
from tests.support.tokens import DEBUG_KEY, TOKENS

PATIENCE = 10.0
REFLECTION = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"


def methods_of(*services: str) -> dict[str, MethodDescriptor]:
    """Path → method of everything that these services' contracts name; their stubs must be imported."""
    return {
        f"/{service}/{method.name}": method
        for service in services
        for method in Default().FindServiceByName(service).methods
    }


async def callers_of(address: str, path: str, method: MethodDescriptor) -> set[str]:
    """The services that are let in."""
    tokens = {**TOKENS, "debug": Secret(mint_debug_token(DEBUG_KEY))}
    return {service for service, token in tokens.items() if not await refusal(address, path, method, token)}


async def refusal(address: str, path: str, method: MethodDescriptor, token: Secret) -> str:
    """Why the server does not let the bearer of this token call the method; empty if it does."""
    async with dial(address, token, timeout=PATIENCE) as channel:
        try:
            await _call(channel, path, method)
        except RpcError as error:
            refused = isinstance(error, PermissionDenied) and error.reason == "METHOD_NOT_ALLOWED"
            return error.reason if refused or error.reason == "BAD_SERVICE_TOKEN" else ""
    return ""


async def shown(address: str) -> set[str]:
    """The services that a server tells whoever asks it what it serves."""
    asking = reflection_pb2.ServerReflectionRequest(list_services="")
    channel: Any = grpc.aio.insecure_channel(address)
    async with channel:
        # Sent at once with its end: a server that refuses may have ended a stream before the question is written.
        ask = channel.unary_stream(
            REFLECTION, asking.SerializeToString, reflection_pb2.ServerReflectionResponse.FromString
        )
        try:
            answer = await anext(aiter(ask(asking, timeout=PATIENCE)))
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.UNIMPLEMENTED:
                raise
            return set()
    return {service.name for service in answer.list_services_response.service}


async def _call(channel: grpc.aio.Channel, path: str, method: MethodDescriptor) -> None:
    empty: Any = b""
    if not method.server_streaming:
        await channel.unary_unary(path)(empty, timeout=PATIENCE)
        return
    answers: Any = channel.unary_stream(path)(empty, timeout=PATIENCE)
    async with aclosing(answers.__aiter__()) as first:
        await anext(first, None)
