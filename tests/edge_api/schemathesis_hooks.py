"""What schemathesis does not know by itself: how the files of an import are sent, and that addresses are text."""

from typing import Any

import schemathesis


@schemathesis.serializer("text/csv", "application/jsonl")
def as_it_is(_context: Any, file: str | bytes) -> bytes:
    """A file is the text that the example or the generator gives."""
    return file if isinstance(file, bytes) else str(file).encode(errors="surrogatepass")


@schemathesis.hook
def filter_query(context: Any, query: dict[str, Any] | None) -> bool:
    """No single values for lists, which are meant to be wrong: `category=false` is a list of one category."""
    lists = {one.name for one in context.operation.query if one.definition["schema"].get("type") == "array"}
    return all(isinstance(value, list) for name, value in (query or {}).items() if name in lists)
