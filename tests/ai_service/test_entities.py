"""Facts in the text: typed, where they say they are, apart from each other, and never a card number."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_service.analysis import SUBJECT, Author, EntityKind, Inquiry, Turn
from ai_service.entities import extract
from tests.ai_service.builders import inquiry

KIND = EntityKind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is my order #A-12345?", [(KIND.ORDER_NUMBER, "A-12345")]),
        ("el pedido n.º 4821 no llega", [(KIND.ORDER_NUMBER, "4821")]),
        ("Meine Bestellung 778899 fehlt", [(KIND.ORDER_NUMBER, "778899")]),
        ("la factura 2024-00123 está mal", [(KIND.INVOICE_NUMBER, "2024-00123")]),
        ("about INV-2024-001", [(KIND.INVOICE_NUMBER, "INV-2024-001")]),
        ("you took $1,234.50", [(KIND.AMOUNT, "$1,234.50")]),
        ("me cobraron 1.234,50 €", [(KIND.AMOUNT, "1.234,50 €")]),
        ("son 30 euros", [(KIND.AMOUNT, "30 euros")]),
        ("write to ana.lopez@mail.example.com please", [(KIND.EMAIL, "ana.lopez@mail.example.com")]),
        ("mi teléfono es 600 123 456", [(KIND.PHONE, "600 123 456")]),
        ("call +44 20 7946 0958", [(KIND.PHONE, "+44 20 7946 0958")]),
        ("el 12 de mayo de 2026", [(KIND.DATE, "12 de mayo de 2026")]),
        ("since May 12th, 2026", [(KIND.DATE, "May 12th, 2026")]),
        ("am 12.05.2026", [(KIND.DATE, "12.05.2026")]),
    ],
)
def test_fact_is_found_with_its_kind(text: str, expected: list[tuple[EntityKind, str]]) -> None:
    assert [(fact.kind, fact.value) for fact in extract(inquiry(text))] == expected


@pytest.mark.parametrize(
    "text",
    [
        "my card 4111 1111 1111 1111 was charged",
        "tarjeta 4111-1111-1111-1111",
        "IBAN ES91 2100 0418 4502 0005 1332",
        "I ordered 3 shirts and 12 pizzas in 2024",
        "see https://shop.example.com/order/12345678",
    ],
)
def test_card_numbers_links_and_plain_numbers_are_no_facts(text: str) -> None:
    assert extract(inquiry(text)) == ()


def test_fact_says_in_which_turn_it_stands() -> None:
    conversation = (
        Turn(Author.CUSTOMER, "my order is late"),
        Turn(Author.AGENT, "is it order 55555?"),
        Turn(Author.CUSTOMER, "🙂 no, order 66666"),
    )
    facts = extract(Inquiry(customer_name="", subject="Invoice 123456", conversation=conversation))
    assert [(fact.value, fact.turn, fact.start) for fact in facts] == [("123456", SUBJECT, 8), ("66666", 2, 12)]


@given(st.text(alphabet="abc #@€$.,-/0123456789 pedidoorderfactura+", max_size=200))
def test_spans_hold_their_value_and_never_overlap(text: str) -> None:
    facts = extract(inquiry(text))
    assert all(text[fact.start : fact.end] == fact.value for fact in facts)
    assert all(first.end <= second.start for first, second in pairwise(facts))


@pytest.mark.parametrize("piece", ["9", "1 ", "a.", "order ", "1,", "a@", "pedido n n ", "+1 ", "A1", "tel "])
def test_hostile_repetition_does_not_blow_up(piece: str) -> None:
    started = time.process_time()
    extract(inquiry(piece * (20_000 // len(piece))))
    assert time.process_time() - started < 5  # backtracking gone wrong takes minutes; this is no bar for speed
