"""Server-sent events."""

from typing import Any

import msgspec

MEDIA_TYPE = "text/event-stream"
HEADERS = {"X-Accel-Buffering": "no"}
"""Asks proxies to pass each event on as it comes."""


def event(name: str, data: Any) -> bytes:
    """One event with JSON as its data, which holds no line end."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
