"""Privacy before the wire: what is personal is hidden, the same thing alike everywhere, and put back in the answer."""

import pytest

from ai_service.analysis import Author, Inquiry, Masked, Turn
from ai_service.privacy.masking import Veil, without_strangers
from tests.ai_service.builders import inquiry
from tests.support.masking import labelled, measure


def sent(text: str, name: str = "") -> str:
    return Veil(inquiry(text, name=name)).inquiry.conversation[0].text


@pytest.mark.parametrize(
    ("part", "recall", "precision"),
    # `held_out` was written before anything was tried on it and nothing was tuned to it; `others` is of names that are
    # not the customer's, and the names in it were known when usual ones were listed.
    [("tuned", 0.96, 0.98), ("held_out", 0.93, 0.94), ("others", 0.95, 0.9)],
)
def test_most_of_what_is_personal_is_found_and_little_else(part: str, recall: float, precision: float) -> None:
    found = measure(labelled(part))
    assert found.hidden.total() / found.marked.total() >= recall, found.missed
    assert found.precision >= precision, found.wrong


@pytest.mark.parametrize("part", ["tuned", "held_out"])
def test_what_tells_itself_by_its_form_is_always_found(part: str) -> None:
    found = measure(labelled(part))
    for kind in ("email", "iban", "card", "token", "phone"):
        assert found.hidden[kind] == found.marked[kind], found.missed


@pytest.mark.parametrize(
    "written", ["José Núñez", "jose nunez", "JOSÉ NÚÑEZ", "Jose\u0301 Nu\u0301n\u0303ez", "José", "nunez", "jose.nunez"]
)
def test_customers_name_is_found_in_every_case_and_accent(written: str) -> None:
    text = sent(f"El pedido es de {written}, no de otro.", name="José Núñez")
    assert text.startswith("El pedido es de [NAME_")
    assert text.endswith("], no de otro.")


@pytest.mark.parametrize("written", ["Weiß", "WEISS", "WEIẞ", "Weiss"])
def test_sharp_s_is_two_letters_or_one(written: str) -> None:
    assert sent(f"Frag {written}, e\u0301l sabe.", name="Jürgen Weiß") == "Frag [NAME_2], e\u0301l sabe."


@pytest.mark.parametrize(
    "text",
    [
        *("Me atendió Beatriz.", "I spoke to Kevin, from sales.", "Ho parlato con Federica ieri.", "O Rui não veio."),
        *("J'ai eu Nathalie au téléphone.", "Das nahm Hannelore Vogt an.", "Mi madre, Aurelia Quispe, no usa la app."),
        *("Dear Mr Whitcombe, no.", "A nombre de Xurxo Lema.", "MY SISTER, TAMSIN HALE, ALREADY PAID."),
    ],
)
def test_name_of_somebody_else_is_hidden_as_well(text: str) -> None:
    assert "[NAME_2]" in sent(text, name="Ana Ruiz")


@pytest.mark.parametrize(
    "text", ["Envío a San José de Costa Rica.", "Wir wohnen in Sankt Martin.", "Vivo en Santa Ana."]
)
def test_place_that_is_called_after_a_saint_stays(text: str) -> None:
    assert sent(text, name="Eva") == text


@pytest.mark.parametrize(
    ("name", "text"), [("Will Rose", "I will keep the rose."), ("Luz Cruz", "No hay luz en la cruz.")]
)
def test_common_word_is_no_name_while_it_is_written_small(name: str, text: str) -> None:
    assert sent(text, name=name) == text
    assert sent(name, name=name) == "[NAME_1]"


def test_same_thing_has_the_same_placeholder_in_the_whole_conversation() -> None:
    turns = (
        Turn(Author.CUSTOMER, "Soy Ana Ruiz, ana@example.com."),
        Turn(Author.AGENT, "Hola, Ana Ruiz: ¿su correo es ANA@example.com o otro@example.com?"),
        Turn(Author.CUSTOMER, "ana@example.com."),
    )
    veil = Veil(Inquiry(customer_name="Ana Ruiz", subject="De Ana Ruiz", conversation=turns))
    assert veil.inquiry.customer_name == "[NAME_1]"
    assert veil.inquiry.subject == "De [NAME_1]"
    assert [turn.text for turn in veil.inquiry.conversation] == [
        "Soy [NAME_1], [EMAIL_1].",
        "Hola, [NAME_1]: ¿su correo es [EMAIL_1] o [EMAIL_2]?",
        "[EMAIL_1].",
    ]
    assert veil.masked == (Masked("name", 1), Masked("email", 2))


def test_order_numbers_amounts_and_dates_stay() -> None:
    text = "Pedido A-10023, factura F-2024-118, 39,90 € el 12/05/2026, order number 600123456."
    assert sent(text, name="Ana") == text


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "ES91 2100 0418 4502 0005 1333"])
def test_numbers_whose_check_digits_are_wrong_are_no_cards_and_no_accounts(number: str) -> None:
    veil = Veil(inquiry(f"Número {number}"))
    assert not {"card", "iban"} & {masked.kind for masked in veil.masked}


def test_answer_gets_back_what_was_hidden_but_neither_cards_nor_secrets() -> None:
    veil = Veil(inquiry("Soy Ana. Tarjeta 4111 1111 1111 1111, contraseña: Perro123, tel. 612 345 678", name="Ana"))
    answer = "Hola, [NAME_1]: tarjeta [CARD_1], clave [TOKEN_1], teléfono [phone 1]."
    assert veil.restored(answer) == "Hola, Ana: tarjeta •••• 1111, clave •••, teléfono 612 345 678."


def test_placeholder_that_was_never_given_stays_for_the_agent_to_see() -> None:
    assert Veil(inquiry("Hola")).restored("Dear [NAME_7]") == "Dear [NAME_7]"


def test_placeholder_that_the_customer_wrote_is_given_to_nothing() -> None:
    veil = Veil(inquiry("[EMAIL_1] is not ana@example.com", name="Ana"))
    assert veil.inquiry.conversation[0].text == "[EMAIL_1] is not [EMAIL_2]"
    assert veil.restored("[EMAIL_1]") == "[EMAIL_1]"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_placeholders_are_put_back_in_pieces_of_any_size(size: int) -> None:
    veil = Veil(inquiry("Soy Ana, ana@example.com", name="Ana"))
    answer = "Hola [NAME_1], [ [sic] [NAME_ [EMAIL_1] [NAME_1][NAME"
    restoring = veil.restoring()
    pieces = [restoring.take(answer[at : at + size]) for at in range(0, len(answer), size)]
    assert "".join([*pieces, restoring.rest()]) == veil.restored(answer)


def test_only_what_may_become_a_placeholder_is_held_back() -> None:
    restoring = Veil(inquiry("Soy Ana", name="Ana")).restoring()
    assert restoring.take("Hola [NA") == "Hola "
    assert restoring.take("ME_1], [no") == "Ana, "
    assert restoring.take(" placeholder at all") == "[no placeholder at all"


def test_answer_to_another_customer_tells_nothing_of_them() -> None:
    text = without_strangers(
        "Hola, Marta Gil:\n\nEnviamos el pedido A-10023 a Calle Mayor 3, Madrid. Tel. 612 345 678."
    )
    assert text == "Hola, …:\n\nEnviamos el pedido … a …. Tel. …."


@pytest.mark.timeout(60)  # patterns that are not bounded took minutes for some of these
@pytest.mark.parametrize(
    "piece",
    [
        *("a", "1", "1 ", "\n", "\t \n", " ", "a@", "A-", "Aa9", "Aa9-", "Ana ", "Ana de ", "Gracias,\n", "Hola, "),
        *("Calle ", "calle A 1, ", "Via A a a a ", "12 Aa ", "ES91 ", "password is ", "-----BEGIN A-----", "a\u0301"),
    ],
)
def test_no_text_keeps_the_patterns_busy(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    assert len(Veil(inquiry(text, name="Ana López")).hidden(text)) > 0
