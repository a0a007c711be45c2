"""Texts as names are compared: in lower case and without accents, each letter knowing where it stood."""

import re
import unicodedata

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "a", "œ": "o", "ß": "ss"})
_MARK = re.compile("[\u0300-\u036f]")
_UNEVEN = re.compile("[\u0300-\u036fßẞ]")
"""Of which not exactly one letter becomes."""


class _Table(dict[int, str]):
    """Made as it is needed: what becomes of each code point."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        low = character.lower()
        base = unicodedata.normalize("NFD", low if len(low) == 1 else character)[0]
        self[point] = _MARK.sub("", base).translate(_PLAIN)
        return self[point]


_TABLE = _Table()


def fold(text: str) -> str:
    """The text in lower case and without accents; of an accent that stands alone nothing is left."""
    return text.translate(_TABLE)


class Folded:
    """The same, where it matters what stood where."""

    def __init__(self, text: str) -> None:
        self.letters = fold(text)
        self._places = _places(text) if _UNEVEN.search(text) else None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text the letters from `start` to `end` stood, with the accents that follow the last one."""
        return (start, end) if self._places is None else (self._places[start], self._places[end])


def _places(text: str) -> list[int]:
    return [place for place, character in enumerate(text) for _ in fold(character)] + [len(text)]
