"""What schemathesis does not know by itself: how the files of an import are sent."""

from typing import Any

import schemathesis


@schemathesis.serializer("text/csv", "application/jsonl")
def as_it_is(_context: Any, file: str | bytes) -> bytes:
    """A file is the text that the example or the generator gives."""
    return file if isinstance(file, bytes) else str(file).encode(errors="surrogatepass")
