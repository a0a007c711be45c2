"""Facts in the customer's words: order and invoice numbers, amounts, e-mail, phone, dates, as spans of the text."""

import re
from collections.abc import Iterator

from ai_service.analysis import SUBJECT, Author, Entity, EntityKind, Inquiry

MONTHS = (
    "jan(?:uary|vier|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre"
    "|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    "|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|märz|juni|juli|oktober|dezember"
    "|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
)
ORDER_WORDS = (
    r"pedidos?|orden|órden|reservas?|localizador|compra|envío|orders?|bookings?|reservations?|encomenda|commandes?"
    r"|réservation|bestellung|bestellnummer|buchung|ordine|prenotazione|shipment|tracking|ticket"
)
INVOICE_WORDS = r"facturas?|recibos?|invoices?|bills?|receipts?|faturas?|factures?|rechnung|rechnungsnummer|fattura"
PHONE_WORDS = (
    r"tel(?:éfono|efono|efone|ephone|efon|éphone)?|móvil|movil|celular|cel|phone|mobile|handy|cellulare|whatsapp"
    r"|call|ll[aá]m\w+"
)
CURRENCY_WORDS = (
    r"euros?|eur|usd|gbp|mxn|ars|cop|clp|brl|chf|dollars?|d[óo]lares|pesos|pounds|reais|soles|bucks|francs|franken"
)

_NUMBER = r"\d{1,3}(?:[.,\u00a0 ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
# What may stand between `order` and its number: "number", "n.º", "#", "is", ":".
_LINK = (
    r"(?:\s+(?:number|num(?:ber|ero)?|número|numéro|nummer|no|nr|n|con|de|es|is|ist|est|è))*\s*[.º°ª]*\s*[:#-]?\s*#?"
)
_CODE = r"(?P<value>[A-Z]{0,4}-?(?:\d{2,6}-)?\d{3,14}(?:-[A-Z0-9]{1,6})?)\b"

# In order of trust: a span that an earlier pattern took is no other pattern's.
# None takes spans that must never be shown as a fact, such as card numbers.
_PATTERNS: tuple[tuple[EntityKind | None, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (EntityKind.EMAIL, r"(?P<value>[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,4}[a-z]{2,24})\b"),
        (None, r"https?://\S+|www\.\S+"),
        (None, r"\b(?:\d[ -]?){13,19}\b"),
        (None, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
        (EntityKind.DATE, r"\b(?P<value>(?:19|20)\d\d-[01]\d-[0-3]\d)\b"),
        (EntityKind.DATE, r"(?<![\d/.-])(?P<value>[0-3]?\d([/.-])[01]?\d\2(?:19|20)?\d\d)(?![\d/-])"),
        (EntityKind.DATE, rf"\b(?P<value>[0-3]?\d(?:st|nd|rd|th|er|º|\.)?\s+(?:de\s+|of\s+)?(?:{MONTHS})\b\.?"
                          r"(?:\s+(?:de\s+|del\s+)?(?:19|20)\d\d)?)"),
        (EntityKind.DATE, rf"\b(?P<value>(?:{MONTHS})\s+[0-3]?\d(?:st|nd|rd|th)?\b(?:,?\s+(?:19|20)\d\d)?)"),
        (EntityKind.AMOUNT, rf"(?P<value>(?:US|R|C|A|MX)?[$€£]\s?(?:{_NUMBER}))(?![\d])"),
        (EntityKind.AMOUNT, rf"(?<![\w.,-])(?P<value>(?:{_NUMBER})\s?(?:[€$£]|(?:{CURRENCY_WORDS})\b))"),
        (EntityKind.AMOUNT, rf"\b(?P<value>(?:EUR|USD|GBP|MXN|BRL|CHF)\s(?:{_NUMBER}))(?![\d])"),
        (EntityKind.INVOICE_NUMBER, rf"\b(?:{INVOICE_WORDS})\b{_LINK}{_CODE}"),
        (EntityKind.INVOICE_NUMBER, r"\b(?P<value>(?:INV|FAC|FACT|RE)-(?:\d{2,6}-)?\d{2,12})\b"),
        (EntityKind.PHONE, rf"\b(?:{PHONE_WORDS})\b[^\d+\n]{{0,12}}(?P<value>\+?\d[\d ().-]{{5,18}}\d)\b"),
        (EntityKind.PHONE, r"(?<!\w)(?P<value>\+\d{1,3}[ .-]?\(?\d[\d ().-]{5,15}\d)\b"),
        (EntityKind.ORDER_NUMBER, rf"\b(?:{ORDER_WORDS})\b{_LINK}{_CODE}"),
        (EntityKind.ORDER_NUMBER, r"(?<![\w#])#\s?(?P<value>[A-Z]{0,3}-?\d{4,14})\b"),
        (EntityKind.ORDER_NUMBER, r"\b(?P<value>(?:ORD|PED|PO|SO)-?\d{3,12})\b"),
        (EntityKind.PHONE, r"(?<![\w.,-])(?P<value>\(?\d{2,4}\)?[ .-]\d{2,4}[ .-]\d{2,4}(?:[ .-]\d{2,4})?)(?![\w-])"),
    )
)  # fmt: skip


_TELLING = re.compile(r"[\d@]")
"""What every fact has at least one of; most texts have none, and need not be searched."""


def extract(inquiry: Inquiry) -> tuple[Entity, ...]:
    """Every fact in the subject and the customer's turns, in order, without overlaps; never card or bank numbers."""
    texts = [(SUBJECT, inquiry.subject)]
    texts += [(i, turn.text) for i, turn in enumerate(inquiry.conversation) if turn.author is Author.CUSTOMER]
    return tuple(entity for turn, text in texts for entity in in_text(text, turn))


def in_text(text: str, turn: int = SUBJECT) -> list[Entity]:
    """The same for one text."""
    return sorted(_found(text, turn), key=lambda entity: entity.start)


def _found(text: str, turn: int) -> Iterator[Entity]:
    if not _TELLING.search(text):
        return
    taken: list[tuple[int, int]] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("value") if kind else match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            if kind:
                yield Entity(kind=kind, value=match["value"], turn=turn, start=start, end=end)
