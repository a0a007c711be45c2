"""How soon an agent should look, and the reason given."""

import re

import pytest

from ai_service.analysis import Priority, Sentiment
from ai_service.priority import REASONS, prioritise

NEGATIVE, NEUTRAL, POSITIVE = Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE


@pytest.mark.parametrize(
    ("category", "sentiment", "text", "expected"),
    [
        ("security_fraud", NEGATIVE, "I did not buy this", (Priority.URGENT, "negative_fraud")),
        ("security_fraud", NEUTRAL, "is this mail from you?", (Priority.NORMAL, "fraud_question")),
        ("security_fraud", NEUTRAL, "¿el robo cubre un móvil robado?", (Priority.HIGH, "fraud_words")),
        ("shipping_delivery", NEGATIVE, "My son swallowed a part of it", (Priority.URGENT, "danger")),
        (None, NEUTRAL, "me robaron la cartera", (Priority.HIGH, "fraud_words")),
        ("technical_issue", NEGATIVE, "the charger caught fire", (Priority.URGENT, "safety")),
        ("complaint_feedback", NEGATIVE, "hablaré con mi abogado", (Priority.HIGH, "legal_threat")),
        ("shipping_delivery", NEGATIVE, "I need it ASAP", (Priority.URGENT, "negative_urgent_words")),
        ("product_sales", NEUTRAL, "es urgente, ¿hay stock?", (Priority.HIGH, "urgent_words")),
        ("shipping_delivery", NEGATIVE, "es la tercera vez que escribo", (Priority.HIGH, "repeated_contact")),
        ("technical_issue", NEGATIVE, "estamos sin internet", (Priority.HIGH, "outage")),
        ("billing_payment", NEGATIVE, "I was charged twice", (Priority.HIGH, "overcharged")),
        ("billing_payment", NEGATIVE, "la factura está mal", (Priority.HIGH, "negative_billing")),
        ("returns_refunds", NEGATIVE, "wo bleiben meine 39,90 €", (Priority.HIGH, "money_missing")),
        ("orders_cancellations", NEGATIVE, "ma réservation de demain a disparu", (Priority.HIGH, "date_near")),
        ("account_access", NEGATIVE, "da tre settimane non entro", (Priority.HIGH, "long_wait")),
        ("complaint_feedback", NEGATIVE, "QUE FALTA DE RESPETO CON OS CLIENTES", (Priority.HIGH, "shouting")),
        ("product_sales", POSITIVE, "love it, do you have it in red?", (Priority.NORMAL, "pleased_request")),
        ("complaint_feedback", POSITIVE, "great work", (Priority.LOW, "positive_message")),
        ("general_other", NEUTRAL, "hello", (Priority.LOW, "neutral_general")),
        ("returns_refunds", NEGATIVE, "it is broken", (Priority.NORMAL, "negative_message")),
        ("product_sales", NEUTRAL, "do you have it in blue?", (Priority.NORMAL, "ordinary")),
    ],
)
def test_most_pressing_rule_decides(
    category: str | None, sentiment: Sentiment, text: str, expected: tuple[Priority, str]
) -> None:
    assert prioritise(category, sentiment, text) == expected


def test_urgent_shipping_is_a_product_and_no_urgency() -> None:
    assert prioritise("shipping_delivery", NEUTRAL, "¿cuánto cuesta el envío urgente?")[1] == "ordinary"


def test_cue_inside_another_word_does_not_count() -> None:
    assert prioritise("product_sales", NEUTRAL, "insurgentes 12")[1] == "ordinary"


def test_reasons_are_stable_keys() -> None:
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in REASONS)
    assert len(set(REASONS)) == len(REASONS)
