"""What templates can make of an agent's instruction: the language to write in, and nothing else."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources

import msgspec

_WORD = re.compile(r"[^\W_]+")


class Understood(msgspec.Struct, frozen=True):
    """What to do: write in `language`, or as always where it is empty. False: something else was asked for as well."""

    language: str
    wholly: bool


class _Words(msgspec.Struct, frozen=True):
    languages: dict[str, str]
    around: frozenset[str]


def understand(instruction: str) -> Understood:
    """Read an instruction; one that is not understood as a whole counts for nothing, since it may say "not"."""
    known = _words()
    words = set(_WORD.findall(_plain(instruction)))
    named = {known.languages[word] for word in words if word in known.languages}
    others = words - known.languages.keys() - known.around
    if not words:
        return Understood("", wholly=not instruction.strip())
    if others or len(named) != 1:
        return Understood("", wholly=False)
    return Understood(named.pop(), wholly=True)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@cache
def _words() -> _Words:
    read = tomllib.loads(resources.files("ai_service").joinpath("instruction.toml").read_text(encoding="utf-8"))
    languages = {name: language for language, names in read["languages"].items() for name in names.split()}
    return _Words(languages, frozenset(read["around"]["words"].split()))
