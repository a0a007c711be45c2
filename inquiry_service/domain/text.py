"""What texts from outside must be like."""

import re
from collections.abc import Iterator

from runtime.rpc.errors import FieldViolation

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EMAIL = re.compile(r"[^\s@\x7f-\x9f]+@[^\s@\x7f-\x9f]+")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
LONGEST_LANGUAGE = 35
SNIPPET_LENGTH = 200


def violations(field: str, value: str, longest: int, *, shortest: int = 1) -> Iterator[FieldViolation]:
    """What is wrong with a text; lengths are in Unicode code points."""
    if not shortest <= len(value) <= longest:
        yield FieldViolation(field, f"Must have {shortest} to {longest} characters.")
    if _FORBIDDEN.search(value):
        yield FieldViolation(field, "Must not contain control characters.")


def storable(value: str) -> str:
    """The text without characters that nobody could send; models write some now and then."""
    return _FORBIDDEN.sub("", value)


def email_violations(field: str, value: str) -> Iterator[FieldViolation]:
    """What is wrong with an e-mail address, as far as its shape tells."""
    yield from violations(field, value, 254, shortest=3)
    if not _EMAIL.fullmatch(value):
        yield FieldViolation(field, "Must be an e-mail address such as ana@example.com.")


def containing(words: str) -> str:
    """The LIKE pattern of what contains these words as they are."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def language_tag(written: str) -> str:
    """A BCP 47 tag in its usual spelling (`pt-br` → `pt-BR`, `zh-hans` → `zh-Hans`); empty for what is none."""
    if len(written) > LONGEST_LANGUAGE or not _LANGUAGE.fullmatch(written):
        return ""
    first, *others = written.lower().split("-")
    spelled = (part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in others)
    return "-".join((first, *spelled))


def snippet(message: str) -> str:
    """The first 200 characters with white space folded."""
    return " ".join(message[: SNIPPET_LENGTH * 4].split())[:SNIPPET_LENGTH]
