"""The language of a text, also of a single word."""

import pytest

from ai_service.language import LanguageDetector


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hola, mi pedido no ha llegado y nadie contesta", "es"),
        ("My order has not arrived and nobody answers", "en"),
        ("O meu pedido não chegou e ninguém responde", "pt"),
        ("Ma commande n'est pas arrivée et personne ne répond", "fr"),
        ("Meine Bestellung ist nicht angekommen", "de"),
        ("Il mio ordine non è arrivato e nessuno risponde", "it"),
    ],
)
def test_each_supported_language_is_recognised(languages: LanguageDetector, text: str, language: str) -> None:
    assert languages.detect(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [("hola", "es"), ("factura", "es"), ("La página no carga", "es"), ("Hi", "en"), ("Danke", "de"), ("merci", "fr")],
)
def test_known_words_decide_where_letters_mislead(languages: LanguageDetector, text: str, language: str) -> None:
    assert languages.detect(text) == language


def test_longer_earlier_text_decides_for_a_latest_message_of_one_word(languages: LanguageDetector) -> None:
    assert languages.detect("4521", "Where is my parcel? It should have come on Monday.") == "en"


def test_text_without_letters_is_taken_for_the_products_language(languages: LanguageDetector) -> None:
    assert languages.detect("4521 ???") == "es"


def test_foreign_script_is_not_taken_for_a_supported_language(languages: LanguageDetector) -> None:
    assert languages.detect("注文した商品がまだ届きません") == "und"
