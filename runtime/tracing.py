"""Traces, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector; elsewhere nothing of OpenTelemetry is even imported.

Spans carry names, ids and codes, never texts. The other OTEL_ variables, as for sampling, are OpenTelemetry's.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from runtime.rpc.errors import RpcError

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT_SECONDS = 2
"""How long sending may take, also at the end of the process, where a collector that is gone must hold up nobody."""

Kind = Literal["server", "client", "producer", "consumer"]
_tracer: "trace.Tracer | None" = None
_current: ContextVar["Span | None"] = ContextVar("span", default=None)


class Span:
    """A piece of work under way; does nothing where traces are off."""

    __slots__ = ("_span", "trace_id", "traceparent")

    def __init__(self, span: "trace.Span | None" = None) -> None:
        self._span = span
        self.trace_id = self.traceparent = ""
        """Hexadecimal, and both of trace and span as W3C's header says them; empty where traces are off."""
        if span is not None:
            context = span.get_span_context()
            self.trace_id = f"{context.trace_id:032x}"
            self.traceparent = f"00-{self.trace_id}-{context.span_id:016x}-{context.trace_flags:02x}"

    def describe(self, name: str = "", **attributes: str | int) -> None:
        """Name it anew, unless the name is empty, and say more of it."""
        if self._span is not None:
            if name:
                self._span.update_name(name)
            self._span.set_attributes({key.replace("__", "."): value for key, value in attributes.items()})


OFF = Span()


@contextmanager
def exported(process: str, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send this process's spans to the collector while inside, the last ones at the end."""
    if not environ.get(ENDPOINT):
        yield
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer
    provider = TracerProvider(resource=Resource.create({"service.name": f"pok-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_SECONDS)))
    _tracer = provider.get_tracer("pok")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def current() -> Span:
    """The work that this task does."""
    return _current.get() or OFF


@contextmanager
def span(name: str, kind: Kind, *, parent: str = "", enter: bool = False) -> Iterator[Span]:
    """A piece of work, part of `parent` (as W3C's header says it) or else of what this task does.

    With `enter` it is what this task, and those that it starts, do from now on.
    """
    if _tracer is None:
        yield OFF
        return
    from opentelemetry import trace

    begun = _tracer.start_span(name, context=_context(parent), kind=trace.SpanKind[kind.upper()])
    here = Span(begun)
    if enter:
        _current.set(here)
    try:
        yield here
    except BaseException as error:
        # Not the message, which may quote what a customer wrote.
        begun.set_status(trace.StatusCode.ERROR)
        begun.set_attribute("error.type", error.reason if isinstance(error, RpcError) else type(error).__name__)
        raise
    finally:
        begun.end()


def _context(parent: str) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # An empty one begins a new trace, as does a parent that cannot be read.
    return TraceContextTextMapPropagator().extract({"traceparent": parent or current().traceparent})
