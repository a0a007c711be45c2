"""Names of people in a text: those that somebody is known by, and those that greetings and signatures show."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import takewhile
from typing import NamedTuple

from ai_service.privacy.folding import Folded, fold
from ai_service.reply import plausible_name

_S, _G = r"[ \t]{0,3}", r"[ \t]{1,3}"
_WORD = r"[^\W\d_](?:[^\W\d_]|['’](?=[^\W\d_])){0,40}(?![^\W\d_])"
_WORDS = re.compile(_WORD)
_CAPITAL = r"(?=[A-ZÀ-ÖØ-ÞŁŚŠŽĆČĐ])" + _WORD
_GAP = rf"{_G}|{_S}-{_S}|\.{_S}"

_SPACE = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[\s.,'’_-]{1,3}")
_SEPARATORS_OR_NONE = re.compile(r"[\s.,'’_-]{0,3}")


class _Name(NamedTuple):
    """Folded words with what may stand between them; `anywhere`: also where the text writes it in lower case.

    It is looked for by hand, since a pattern would have to be compiled for every name of every conversation.
    """

    words: tuple[str, ...]
    gap: re.Pattern[str]
    anywhere: bool

    def found(self, letters: str) -> Iterator[tuple[int, int]]:
        """Where it stands as words of their own."""
        start = letters.find(self.words[0])
        while start >= 0:
            end = self._end(letters, start)
            if end:
                yield start, end
            start = letters.find(self.words[0], end or start + 1)

    def _end(self, letters: str, start: int) -> int:
        """Where the name ends that begins at `start`; 0 where it is none."""
        first, *others = self.words
        end = start + len(first)
        for word in others:
            gap = self.gap.match(letters, end)
            if gap is None or not letters.startswith(word, gap.end()):
                return 0
            end = gap.end() + len(word)
        alone = not (letters[max(0, start - 1) : start].isalnum() or letters[end : end + 1].isalnum())
        return end if alone else 0


class Known:
    """The names that stand for people in one conversation; finds them whatever their case and accents."""

    def __init__(self, stated: str, texts: Iterable[str]) -> None:
        shown = dict.fromkeys(name for text in texts for name in _shown(text))
        plausible = plausible_name(stated)
        self._names = [
            *_spelled(stated),
            *map(_whole, filter(_WORDS.search, (plausible, *sorted(shown, key=len, reverse=True)))),
            *map(_part, dict.fromkeys(part for name in (plausible, *shown) for part in _parts(name))),
        ]

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where any of them stands, the most telling first; spans may overlap."""
        folded = Folded(text)
        for name in self._names:
            for place in name.found(folded.letters):
                start, end = folded.span(*place)
                if name.anywhere or not text[start:end].islower():
                    yield start, end
        for pattern in _closing_lines():
            for match in pattern.finditer(text):
                if _is_signature(match["lower"] or ""):
                    yield match.span("lower")


def _shown(text: str) -> Iterator[str]:
    """Names that the text itself shows to be some."""
    for pattern in _showing():
        for match in pattern.finditer(text):
            words = match["name"].split()
            while words and (_key(words[-1]) in _set("no_names") or _key(words[-1]) in _set("particles")):
                words.pop()
            if words and not {_key(word) for word in words} & (_set("no_names") - _set("particles")):
                yield " ".join(words)
    for match in _capitals().finditer(text):
        words = match[0].split()
        called = [at for at, word in enumerate(words) if _key(word.partition("-")[0]) in _set("given")]
        if called and not (called[0] and _key(words[called[0] - 1]) in _set("saints")):
            yield " ".join(takewhile(_may_be_name, words[called[0] :]))


def _may_be_name(word: str) -> bool:
    return _key(word) not in _set("no_names") or _key(word) in _set("particles")


def _parts(name: str) -> list[str]:
    return [
        word
        for word in _WORDS.findall(name)
        if len(word) > 1 and _key(word) not in _set("particles") | _set("no_names")
    ]


def _spelled(stated: str) -> list[_Name]:
    """What was given as a name, as it is, whether or not it is one."""
    words = [folded for word in stated.split() if (folded := fold(word))]
    if len("".join(words)) < 2:
        return []
    return [_Name(tuple(words), _SPACE, len(words) > 1 or _is_unusual(stated))]


def _whole(name: str) -> _Name:
    """The name with any separators; a long one also without."""
    words = tuple(map(fold, _WORDS.findall(name)))
    gap = _SEPARATORS_OR_NONE if len("".join(words)) > 5 else _SEPARATORS
    return _Name(words, gap, len(words) > 1 or _is_unusual(name))


def _part(word: str) -> _Name:
    return _Name((fold(word),), _SEPARATORS, _is_unusual(word))


def _is_unusual(word: str) -> bool:
    return len(word) > 2 and _key(word) not in _set("ambiguous")


def _key(word: str) -> str:
    return fold(word.strip(".,'’"))


def _is_signature(line: str) -> bool:
    words = line.split()
    return 1 <= len(words) <= 2 and not {_key(word) for word in words} & _set("no_names")


@cache
def _lists() -> dict[str, str]:
    text = resources.files("ai_service").joinpath("privacy/words.toml").read_text(encoding="utf-8")
    return {
        name: words.replace("\n", " " if "|" not in words else "").strip()
        for name, words in tomllib.loads(text).items()
    }


@cache
def _set(name: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _lists()[name].split())


@cache
def _showing() -> tuple[re.Pattern[str], ...]:
    """Patterns whose group `name` is one: capitals only, unless what stands before leaves no doubt."""
    words = _lists()
    title = rf"(?i:(?:{words['titles']})\b\.?{_G})"
    particle = rf"(?:{'|'.join(words['particles'].split())})\b"
    capitals = rf"{_CAPITAL}(?:(?:{_GAP})(?:{particle}{_G}){{0,2}}{_CAPITAL}){{0,4}}"
    greeting, closing = rf"(?i:{words['greetings']})", rf"(?i:{words['closings']})"
    strong = rf"(?i:\b(?:{words['introductions']}){_S}:?{_G})"
    weak = rf"(?i:\b(?:{words['perhaps']}){_G}(?:la |el )?)"
    end = r"(?=[ \t]{0,3}(?:[,.;:!\n]|\Z))"
    return tuple(
        re.compile(pattern, re.MULTILINE)
        for pattern in (
            rf"^[\W_]{{0,5}}{greeting}[ \t,]{{1,3}}(?:{title})?(?P<name>{capitals}){end}",
            rf"^[\W_]{{0,5}}{greeting}[ \t,]{{1,3}}(?P<name>{_WORD})(?={_S}(?:[,:!]|$))",
            rf"(?<![\w.]){title}(?P<name>{capitals})",
            rf"{strong}(?P<name>{capitals})",
            rf"(?<!\w)(?i:{words['relations']})(?:{_S}[,:(]{_S}|{_G})(?P<name>{capitals})",
            rf"{strong}(?P<name>{_WORD})(?={_S}(?:[,.;:!\n]|\Z|(?i:y|and|et|und|e)\b))",
            rf"{weak}(?P<name>{capitals}){end}",
            rf"{weak}(?P<name>{_CAPITAL}(?:{_G}{_CAPITAL}){{1,3}})",
            rf"(?:^|[.!?,]{_S}){closing}[\W_]{{0,6}}?\s{{1,4}}(?:{title})?(?P<name>{capitals})[ \t.]{{0,5}}$",
            rf"^{_S}[-–—]{{0,3}}{_S}(?P<name>{capitals})[ \t.]{{0,5}}\Z",
            rf"[.!?]{_G}(?P<name>{_CAPITAL}(?:{_G}{_CAPITAL}){{1,3}}){_S}(?:\Z|,{_S}(?:DNI|NIE|NIF)\b)",
        )
    )


@cache
def _capitals() -> re.Pattern[str]:
    """Words that begin with capitals, one after the other."""
    return re.compile(rf"(?<![\w@]){_CAPITAL}(?:(?:{_G}|-){_CAPITAL}){{0,4}}")


@cache
def _closing_lines() -> tuple[re.Pattern[str], ...]:
    """Signatures in lower case, which are taken for names only where they stand."""
    words = _lists()
    closing = rf"(?i:{words['closings']})"
    return (
        re.compile(
            rf"(?:^|[.!?,]{_S}){closing}{_S}[,.!]{{0,3}}{_S}\n\s{{0,4}}(?P<lower>{_WORD}(?:{_G}{_WORD})?)\s{{0,9}}\Z",
            re.MULTILINE,
        ),
    )
