"""Dialling gRPC: every call carries a token, a deadline, the request id and, from the edge, the principal."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import msgspec

from runtime import metrics, tracing
from runtime.rpc import context, wire
from runtime.settings import Secret

OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A restarted peer is found again within a second instead of after the library's backoff of up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Room for the longest conversations of all that a worker claims at once; only services of ours answer.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Else a channel may inherit the back-off of an earlier one to what listened on the same port before.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
)


def dial(address: str, token: Secret, *, timeout: float, send_principal: bool = False) -> grpc.aio.Channel:
    """A channel whose calls raise RpcErrors and end within `timeout` seconds, or when the call being served must end.

    A call may set its own `timeout=`. Streams have no deadline unless they set one.
    """
    interceptors: list[grpc.aio.ClientInterceptor] = [
        _Unary(token, timeout, send_principal),
        _Stream(token, send_principal),
    ]
    target = address if "://" in address else f"dns:///{address}"
    return grpc.aio.insecure_channel(target, options=OPTIONS, interceptors=interceptors)


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: str, timeout: float, send_principal: bool) -> None:
        self._metadata = _Metadata(token, send_principal)
        self._timeout = timeout

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        limit = self._timeout if client_call_details.timeout is None else client_call_details.timeout
        method = _text(client_call_details.method)
        since, code = time.perf_counter(), "CANCELLED"
        with tracing.span(method, "client") as span:
            details = client_call_details._replace(
                timeout=context.timeout_within(limit), metadata=self._metadata.of_this_call(span)
            )
            try:
                call = await continuation(details, request)
                await call
                code = "OK"
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                raise wire.from_call(error) from None
            finally:
                metrics.called(method, code, since)
        return call


class _Stream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, token: str, send_principal: bool) -> None:
        self._metadata = _Metadata(token, send_principal)

    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        details = client_call_details._replace(metadata=self._metadata.of_this_call(tracing.current()))
        return _typed_errors(await continuation(details, request))


def _text(method: str | bytes) -> str:
    return method if isinstance(method, str) else method.decode()


async def _typed_errors(call: Any) -> AsyncIterator[Any]:
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise wire.from_call(error) from None
    finally:
        call.cancel()


class _Metadata:
    """What every call of this process says about itself."""

    def __init__(self, token: str, send_principal: bool) -> None:
        self._authorization = f"Bearer {token}"
        self._send_principal = send_principal

    def of_this_call(self, span: tracing.Span) -> grpc.aio.Metadata:
        call = context.current()
        metadata = grpc.aio.Metadata(
            ("authorization", self._authorization),
            ("x-request-id", call.request_id if call else context.new_request_id()),
        )
        if self._send_principal and call is not None:
            metadata.add("x-principal", msgspec.json.encode(call.principal).decode())
        if span.traceparent:
            metadata.add("traceparent", span.traceparent)
        return metadata
