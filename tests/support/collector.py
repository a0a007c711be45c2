"""A collector that keeps the spans which it is sent, in place of an OpenTelemetry collector."""

from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(pb_grpc.TraceServiceServicer):
    """`spans` are those that came so far, each with the service that sent it."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        self._server = grpc.aio.server()
        pb_grpc.add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.address = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self) -> None:
        """Close."""
        await self._server.stop(0)

    async def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> pb.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            [service] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return pb.ExportTraceServiceResponse()

    def trace_of(self, request_id: str) -> list[tuple[str, Span]]:
        """All spans of the trace to which the HTTP request of this id belongs."""
        traces = {
            span.trace_id
            for _, span in self.spans
            if any(a.key == "pok.request_id" and a.value.string_value == request_id for a in span.attributes)
        }
        return [(service, span) for service, span in self.spans if span.trace_id in traces]
