"""Field types that several schemas share, and the sentence that each of them asks for."""

from typing import Annotated, Any, Literal

from msgspec import Meta, inspect

Status = Literal["new", "open", "pending", "resolved", "closed", "spam"]
Priority = Literal["low", "normal", "high", "urgent"]
Sentiment = Literal["negative", "neutral", "positive"]
TriageState = Literal["queued", "running", "done", "needs_review", "failed"]
EntityKind = Literal["order_number", "invoice_number", "amount", "email", "phone", "date"]

PLAIN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
"""A text as `edge_api/body.py` takes it: of the control characters, tab and line ends only."""

WRITTEN = PLAIN.replace("]*$", r"]*[^\s\u0000-\u001f\u007f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$")
"""The same, and not blank."""


def text(low: int, high: int, description: str, *examples: str) -> Meta:
    """A text of `low` to `high` characters; the space around it is lost before they are counted."""
    return Meta(
        min_length=low or None,
        max_length=high,
        description=description,
        examples=list(examples),
        extra_json_schema={"pattern": WRITTEN if low else PLAIN},
    )


UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
Uuid = Annotated[
    str,
    Meta(
        pattern=UUID_PATTERN,
        examples=["0198c0de-7a2b-7c4d-9e6f-0a1b2c3d4e5f"],
        extra_json_schema={"format": "uuid"},
        extra={"must": "must be a UUID"},
    ),
]
Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=r"^[^@\s\u0000-\u001f\u007f]+@[^@\s\u0000-\u001f\u007f]+$",
        description="An e-mail address, at most 254 characters.",
        examples=["ana@example.org"],
        extra={"must": "must be an e-mail address of at most 254 characters, such as ana@example.org"},
    ),
]
Time = Annotated[
    str,  # not a datetime, since msgspec takes numbers in a query string for seconds
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$",
        examples=["2026-11-22T09:30:00Z"],
        extra_json_schema={"format": "date-time"},
        extra={"must": "must be a time with its zone, such as 2026-11-22T09:30:00Z"},
    ),
]
PersonName = Annotated[str, text(1, 200, "Name of the person.", "Ana Pérez")]
CategoryKey = Annotated[str, text(1, 100, "Key of a category.", "billing_payment")]
Tag = Annotated[str, text(1, 50, "A tag.", "vip")]


def requirement(kind: Any) -> str:
    """What a value of this type must be, as the rest of a sentence that begins with the field's name."""
    return _must(inspect.type_info(kind))


def _must(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra or {}).get("must") or _must(kind.type))
    return f"must be {_what(kind)}"


def _what(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _what(inner)
        case inspect.StrType(min_length=low, max_length=high) if high is not None:
            return f"a text of {low or 0} to {high} characters"
        case inspect.IntType(ge=low, le=high) if high is not None:
            return f"a whole number from {low} to {high}"
        case inspect.FloatType(ge=low, le=high) if high is not None:
            return f"a number from {low:g} to {high:g}"
        case inspect.LiteralType(values=values):
            return f"one of: {', '.join(map(str, values))}"
        case inspect.ListType(item_type=item, max_length=high):
            return f"a list of at most {high} items, each {_what(item)}" if high else f"a list, each {_what(item)}"
        case inspect.UnionType(types=types):
            return " or ".join(_what(member) for member in types)
        case inspect.NoneType():
            return "null"
        case inspect.StrType():
            return "a text"
        case inspect.BoolType():
            return "true or false"
        case _:
            return "of another type"
