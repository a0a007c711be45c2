"""Server-sent events as they are written, whatever they tell."""

from typing import Any

import msgspec

MEDIA_TYPE = "text/event-stream"
# The first for proxies that collect answers before they pass them on (nginx).
HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}


def event(name: str, data: Any, position: str = "") -> bytes:
    """One event with JSON as its data, which holds no line end; with a `position` one that a browser can go on from."""
    identified = b"id: %b\n" % position.encode() if position else b""
    return b"%bevent: %b\ndata: %b\n\n" % (identified, name.encode(), msgspec.json.encode(data))
