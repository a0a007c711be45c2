"""Structured logs, set up once per process: JSON lines with request and trace id, never with customers' text."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from runtime import tracing
from runtime.rpc import context


def configure(process: str, level: str) -> None:
    """Send structlog's and the standard library's records to stderr as JSON lines that name the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_call(process),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # httpx logs full URLs, taskiq every task: both belong to debugging only.
    for name in ("httpx", "httpcore", "httpx2", "httpcore2", "taskiq", "openai"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_call(process: str) -> structlog.typing.Processor:
    def processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        call = context.current()
        if call is not None:
            event.setdefault("request_id", call.request_id)
        if trace_id := tracing.current().trace_id:
            event["trace_id"] = trace_id
        return event

    return processor
