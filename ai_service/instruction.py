"""What templates can make of an agent's instruction: a language to write in, a tone, and shortness; nothing else."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

_WORD = re.compile(r"[^\W_]+")


Tone = Literal["", "warm", "formal"]


class Manner(msgspec.Struct, frozen=True):
    """How to write; the empty tone is the usual one."""

    shorter: bool = False
    tone: Tone = ""


class Understood(msgspec.Struct, frozen=True):
    """What to do: write in `language`, or as always where it is empty. False: something else was asked for as well."""

    language: str
    wholly: bool
    manner: Manner = Manner()


class _Words(msgspec.Struct, frozen=True):
    languages: dict[str, str]
    around: frozenset[str]
    shorter: frozenset[str]
    warm: frozenset[str]
    formal: frozenset[str]


def understand(instruction: str) -> Understood:
    """Read an instruction; one that is not understood as a whole counts for nothing, since it may say "not"."""
    known = _words()
    words = set(_WORD.findall(_plain(instruction)))
    named = {known.languages[word] for word in words if word in known.languages}
    by_tone: dict[Tone, frozenset[str]] = {"warm": known.warm, "formal": known.formal}
    tones = [tone for tone, of_tone in by_tone.items() if words & of_tone]
    shorter = bool(words & known.shorter)
    others = words - known.languages.keys() - known.around - known.shorter - known.warm - known.formal
    if not words:
        return Understood("", wholly=not instruction.strip())
    if others or len(named) > 1 or len(tones) > 1 or not (named or tones or shorter):
        return Understood("", wholly=False)
    return Understood(
        named.pop() if named else "", wholly=True, manner=Manner(shorter=shorter, tone=tones[0] if tones else "")
    )


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@cache
def _words() -> _Words:
    read = tomllib.loads(resources.files("ai_service").joinpath("instruction.toml").read_text(encoding="utf-8"))
    languages = {name: language for language, names in read["languages"].items() for name in names.split()}
    return _Words(languages, *(frozenset(read["words"][name].split()) for name in _Words.__struct_fields__[1:]))
