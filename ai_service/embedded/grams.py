"""A text as hashed pieces of its words, three to five letters long: what the encoder's average blurs.

Pieces bear misspelling and inflection, and many are the same in several languages (`refun`, `cancel`, `factur`).
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 17
LONGEST = 2_000
"""Characters of a text that are read."""
SIZES = (3, 4, 5)

_DIGIT = re.compile(r"\d")


class Grams:
    """Where a text's pieces are in the table, and how much each counts; the squares add up to 1."""

    def __init__(self, text: str) -> None:
        hashes = [zlib.crc32(piece.encode(errors="replace")) % BUCKETS for piece in _pieces(_folded(text[:LONGEST]))]
        self.buckets, counts = np.unique(np.array(hashes, np.int64), return_counts=True)
        weights = 1 + np.log(counts)
        self.weights: NDArray[np.float32] = (weights / max(float(np.linalg.norm(weights)), 1e-6)).astype(np.float32)


def _folded(text: str) -> str:
    """Without case and accents, which customers leave out, and with one digit for all."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _DIGIT.sub("0", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _pieces(text: str) -> Iterator[str]:
    """Every run of letters of these sizes inside a word, whose ends are marked by a blank; a short word is one."""
    for word in text.split():
        marked = f" {word} "
        for size in SIZES:
            for start in range(max(len(marked) - size, 0) + 1):
                yield marked[start : start + size]
            if len(marked) <= size:
                break
