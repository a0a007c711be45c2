"""Serving gRPC: every call proves its caller, gets a deadline and a request id, and fails only in our vocabulary."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
import msgspec
import structlog
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from runtime import metrics, tracing
from runtime.rpc import access, context, wire
from runtime.rpc.errors import Internal, InvalidArgument, PermissionDenied, RpcError, Unauthenticated
from runtime.rpc.tokens import ServiceTokens
from runtime.settings import SettingsError

log = structlog.get_logger(__name__)

OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 1_000),  # of one connection; callers of ours wait for their turn
    # Clients of ours ping idle connections every 30 s; the library's own minimum of 5 minutes would cut them off.
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_connection_age_ms", 30 * 60 * 1000),
    ("grpc.max_connection_age_grace_ms", 60 * 1000),
)
DEBUG_PRINCIPAL = context.Principal(role="support")

Context = grpc.aio.ServicerContext[Any, Any]
Registration = tuple[str, Callable[[grpc.aio.Server], None]]
"""A service's full name and the call that adds its servicer to a server."""
DebugHook = Callable[[str], Awaitable[None]]
"""What is told of every call with a debug token before it is served; the call fails if it does."""


class RpcServer:
    """One gRPC server with health and (outside production) reflection. NOT_SERVING until `serving()` is called.

    Raises SettingsError when it cannot listen on `address`.
    """

    def __init__(
        self,
        address: str,
        tokens: ServiceTokens,
        services: Sequence[Registration],
        *,
        reflect: bool,
        on_debug: DebugHook | None = None,
    ) -> None:
        self._health = health.aio.HealthServicer()
        self._names = [name for name, _ in services]
        self._server = grpc.aio.server(interceptors=[_Interceptor(tokens, on_debug)], options=OPTIONS)
        for _, register in services:
            register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if reflect:
            names = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError:
            raise SettingsError(f"{address} is taken, or no address of this machine") from None

    async def start(self) -> None:
        """Listen; health says NOT_SERVING until `serving()`."""
        await self._set_health(serving=False)
        await self._server.start()

    async def serving(self) -> None:
        """From now on health says SERVING."""
        await self._set_health(serving=True)

    async def stop(self, grace: float) -> None:
        """Say NOT_SERVING, refuse new calls, let running ones finish for `grace` seconds, then cancel them."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    async def _set_health(self, *, serving: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        status = answer.SERVING if serving else answer.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)


class _Interceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler once: who calls, until when, and what an error may tell."""

    def __init__(self, tokens: ServiceTokens, on_debug: DebugHook | None) -> None:
        self._tokens = tokens
        self._on_debug = on_debug
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        if method in self._wrapped:
            return self._wrapped[method]
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(access.OPEN_PREFIXES):
            return handler
        self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Any) -> Any:
        async def unary(message: bytes, servicer_context: Context) -> Any:
            try:
                with _observed(method, servicer_context, time.perf_counter()):
                    await self._enter(method, servicer_context)
                    return await handler.unary_unary(_read(handler, message), servicer_context)
            except Exception as error:  # noqa: BLE001 - the boundary: nothing untyped leaves the process
                await _abort(method, servicer_context, error)

        async def stream(message: bytes, servicer_context: Context) -> AsyncIterator[Any]:
            try:
                with _observed(method, servicer_context, None):
                    await self._enter(method, servicer_context)
                    async for response in handler.unary_stream(_read(handler, message), servicer_context):
                        yield response
            except Exception as error:  # noqa: BLE001 - the boundary: nothing untyped leaves the process
                await _abort(method, servicer_context, error)

        # The library would read the message before it is known who calls, and tell them what is wrong inside.
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)
        return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)

    async def _enter(self, method: str, servicer_context: Context) -> None:
        metadata = dict(servicer_context.invocation_metadata() or ())
        remaining = servicer_context.time_remaining()
        call = context.Call(
            request_id=_text(metadata.get("x-request-id"))[:64] or context.new_request_id(),
            deadline=None if remaining is None else time.monotonic() + remaining,
        )
        context.enter(call)  # so that a refusal carries the request id as well
        service = self._tokens.service(_text(metadata.get("authorization")).removeprefix("Bearer "))
        if service not in access.CALLERS.get(method, frozenset()):
            raise PermissionDenied(f"The service {service!r} may not call this method.", reason="METHOD_NOT_ALLOWED")
        principal = _principal(service, metadata.get("x-principal"))
        context.enter(msgspec.structs.replace(call, service=service, principal=principal))
        if service == "debug":
            log.warning("debug_token_used", method=method)
            if self._on_debug:
                await self._on_debug(method)


def _read(handler: Any, message: bytes) -> Any:
    try:
        return handler.request_deserializer(message)
    except DecodeError:
        raise InvalidArgument("The message cannot be read.", reason="BAD_MESSAGE") from None


@contextmanager
def _observed(method: str, servicer_context: Context, since: float | None) -> Iterator[None]:
    code = "CANCELLED"
    parent = _text(dict(servicer_context.invocation_metadata() or ()).get("traceparent"))
    try:
        with tracing.span(method, "server", parent=parent, enter=True):
            yield
        code = "OK"
    except RpcError as error:
        code = error.code
        raise
    except Exception:
        code = Internal.code
        raise
    finally:
        metrics.served(method, code, since)


def _principal(service: str, stated: Any) -> context.Principal:
    if service == "debug":
        return DEBUG_PRINCIPAL
    if stated is None:
        return context.ANONYMOUS
    if service not in access.MAY_SEND_PRINCIPAL:
        raise PermissionDenied("Only the edge may speak for a person.", reason="PRINCIPAL_NOT_ALLOWED")
    try:
        return msgspec.json.decode(stated, type=context.Principal)
    except msgspec.DecodeError:
        raise Unauthenticated("The principal cannot be read.", reason="BAD_PRINCIPAL") from None


async def _abort(method: str, servicer_context: Context, error: Exception) -> NoReturn:
    call = context.current()
    request_id = call.request_id if call else context.new_request_id()
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, RpcError):
        log.error("rpc_failed", method=method, exc_info=error)
        error = Internal("Something went wrong on our side.")
    elif isinstance(error, Internal):
        log.error("rpc_failed", method=method, reason=error.reason)
    status = rpc_status.to_status(wire.to_status(error, request_id))
    await servicer_context.abort_with_status(status)
    raise asyncio.InvalidStateError  # abort_with_status always raises


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
