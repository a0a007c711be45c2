"""The least that the HTTP server can do: read a request, answer it, and nothing in between.

.venv/bin/python -m benchmarks.bare PORT
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops

BODY = b"." * 600
"""About as long as the answer to a create."""
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"600")]


async def app(
    _scope: Any, receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 201, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    # As edge_api/__main__.py serves the edge.
    options: dict[str, Any] = {"interface": Interfaces.ASGI, "loop": Loops.uvloop, "websockets": False}
    Granian("benchmarks.bare:app", port=int(sys.argv[1]), log_enabled=False, **options).serve()
