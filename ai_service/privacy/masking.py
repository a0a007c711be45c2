"""Hides what is personal behind placeholders such as [NAME_1] and puts it back in what comes from outside."""

import re
from collections.abc import Callable, Iterable

import msgspec

from ai_service import entities
from ai_service.analysis import EntityKind, Inquiry, Masked
from ai_service.privacy import addresses, names, patterns

KINDS = ("name", "email", "phone", "iban", "card", "token", "address")
LONGEST = 16
"""Characters of the longest placeholder."""

_NUMBERS = frozenset({EntityKind.ORDER_NUMBER, EntityKind.INVOICE_NUMBER})
_STAYS = _NUMBERS | {EntityKind.AMOUNT, EntityKind.DATE}
_PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})[_ ](\d{{1,4}})\]", re.IGNORECASE)
_BEGUN = re.compile(r"\[[A-Za-z]*[_ ]?\d*\Z")


class Veil:
    """What is hidden in one conversation; the same thing has the same placeholder wherever it stands.

    With `on` False nothing is hidden.
    """

    def __init__(self, inquiry: Inquiry, *, on: bool = True) -> None:
        self._on = on
        texts = [inquiry.subject, *(turn.text for turn in inquiry.conversation)]
        self._known = names.Known(inquiry.customer_name, texts)
        self._written = {match[0].upper() for text in texts for match in _PLACEHOLDER.finditer(text)}
        self._placeholders: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        self._counts = dict.fromkeys(KINDS, 0)
        self.inquiry = msgspec.structs.replace(
            inquiry,
            customer_name=self._placeholder("name", inquiry.customer_name.strip()) if on else inquiry.customer_name,
            subject=self.hidden(inquiry.subject),
            conversation=tuple(
                msgspec.structs.replace(turn, text=self.hidden(turn.text)) for turn in inquiry.conversation
            ),
        )

    @property
    def masked(self) -> tuple[Masked, ...]:
        """How many different ones of each kind are hidden."""
        return tuple(Masked(kind, count) for kind, count in self._counts.items() if count)

    def hidden(self, text: str) -> str:
        """The text as it may leave this machine."""
        if not self._on:
            return text
        return _replaced(text, spans(text, self._known), self._placeholder)

    def restored(self, text: str) -> str:
        """The text with everything put back; placeholders that were never given stay, for the agent to see."""
        return _PLACEHOLDER.sub(lambda match: self._originals.get(_canonical(match), match[0]), text)

    def restoring(self) -> "Restoring":
        """The same for a text that comes in pieces."""
        return Restoring(self)

    def _placeholder(self, kind: str, value: str) -> str:
        if not value:
            return ""
        key = kind, " ".join(value.split()).casefold()
        if key not in self._placeholders:
            number = self._counts[kind] + 1
            while (made := f"[{kind.upper()}_{number}]") in self._written or made in self._originals:
                number += 1
            self._counts[kind] += 1
            self._placeholders[key] = made
            self._originals[made] = _shown(kind, value)
        return self._placeholders[key]


class Restoring:
    """Puts back in pieces: holds back what may become a placeholder until it is one or is none."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self._held = ""

    def take(self, piece: str) -> str:
        """What can be shown now."""
        text = self._held + piece
        begun = _BEGUN.search(text)
        cut = begun.start() if begun and len(text) - begun.start() < LONGEST else len(text)
        self._held = text[cut:]
        return self._veil.restored(text[:cut])

    def rest(self) -> str:
        """What was held back to the end."""
        held, self._held = self._held, ""
        return held


def without_strangers(text: str) -> str:
    """An answer that another customer got, without what is theirs in it; nothing of it can be put back."""
    theirs = spans(text, names.Known("", [text]))
    theirs += [(fact.start, fact.end, fact.kind) for fact in entities.in_text(text) if fact.kind in _NUMBERS]
    return _replaced(text, sorted(theirs), lambda _kind, _value: "…")


def spans(text: str, known: names.Known) -> list[tuple[int, int, str]]:
    """Start, end and kind of all that is personal, in order; where two overlap, the surer one counts."""
    stays = [fact for fact in entities.in_text(text) if fact.kind in _STAYS]
    taken: list[tuple[int, int, str]] = []
    covered = bytearray(len(text))

    def take(kind: str, found: Iterable[tuple[int, int]]) -> None:
        for start, end in found:
            if start < end and not any(covered[start:end]):
                covered[start:end] = b"\1" * (end - start)
                taken.append((start, end, kind))

    take("email", patterns.emails(text))
    take("iban", patterns.ibans(text))
    take("card", patterns.cards(text))
    take("token", patterns.secrets(text))
    take("address", addresses.find(text))
    take("", ((fact.start, fact.end) for fact in stays))
    take("phone", patterns.phones(text))
    take("name", known.find(text))
    return sorted(span for span in taken if span[2])


def _replaced(text: str, found: list[tuple[int, int, str]], placeholder: Callable[[str, str], str]) -> str:
    parts, at = [], 0
    for start, end, kind in found:
        parts += [text[at:start], placeholder(kind, text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def _canonical(match: re.Match[str]) -> str:
    return f"[{match[1].upper()}_{int(match[2])}]"


def _shown(kind: str, value: str) -> str:
    """What an answer may show: of a card the last four digits, of a secret nothing."""
    if kind == "card":
        return "•••• " + re.sub(r"\D", "", value)[-4:]
    return "•••" if kind == "token" else value
