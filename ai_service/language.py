"""Which of the supported languages a text is in."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

SUPPORTED = ("es", "en", "pt", "fr", "de", "it")
DEFAULT = "es"
"""Where nothing tells: the language of the product."""
UNKNOWN = "und"
"""BCP 47 for a text in a script that none of the supported languages uses."""

SHORT = 30
"""Letters below which letter statistics alone mislead: `hola` looks English to them."""
KNOWN_WORD = 8.0
"""What one known word weighs in a short text, in py3langid's log likelihood; the best in a range of 4 to 12."""
PRIOR = {"es": 3.0, "en": 3.0}
"""What speaks for the two languages of the product before anything is read, in the same unit."""

_WORD = re.compile(r"[^\W\d_]+")


class LanguageDetector:
    """py3langid restricted to the supported languages, and a word list for very short texts. Loading takes 0.7 s."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # the import alone costs; only its user pays

        every: Any = LanguageIdentifier.from_model_file(MODEL_FILE)
        every.set_languages(list(SUPPORTED))
        # One of its own for these, since the other keeps 28 MB for its 136 other languages.
        self._identifier: Any = LanguageIdentifier(
            every.nb_ptc, every.nb_pc, every.nb_classes, every.tk_nextmove, every.tk_output, tk_row=every.tk_row
        )

    def detect(self, *texts: str) -> str:
        """The language of the first of `texts` that is long enough to tell, else of what the words of all suggest."""
        for text in texts:
            if len(_letters(text)) >= SHORT:
                return self._of(text)
        return self._of("\n".join(texts))

    def _of(self, text: str) -> str:
        letters = _letters(text)
        if not letters:
            return DEFAULT
        if 2 * sum(_is_latin(letter) for letter in letters) < len(letters):
            return UNKNOWN
        scores: dict[str, float] = dict(self._identifier.rank(text))
        if len(letters) < SHORT:
            scores = {language: _reading(text, language, max(score, -999.0)) for language, score in scores.items()}
        return max(scores, key=lambda language: scores[language])


def _letters(text: str) -> str:
    return "".join(_WORD.findall(text))


def _is_latin(letter: str) -> bool:
    return letter.isascii() or "LATIN" in unicodedata.name(letter, "")


def _reading(text: str, language: str, score: float) -> float:
    """The statistics' score with what the known words and the prior add to it."""
    words = {word.casefold() for word in _WORD.findall(text)}
    return score + KNOWN_WORD * len(words & _words()[language]) + PRIOR.get(language, 0.0)


@cache
def _words() -> dict[str, frozenset[str]]:
    text = resources.files("ai_service").joinpath("words.toml").read_text(encoding="utf-8")
    return {language: frozenset(words.split()) for language, words in tomllib.loads(text).items()}
