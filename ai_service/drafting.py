"""What an agent asks a new draft to be like, and the draft as a provider finishes it."""

import msgspec

from ai_service.analysis import Model, Sent, Usage


class Order(msgspec.Struct, frozen=True):
    """What is asked for; the key of the category may be empty or unknown, the instruction empty."""

    category: str
    instruction: str


class Drafted(msgspec.Struct, frozen=True):
    """A finished draft."""

    text: str
    model: Model
    usage: Usage
    instruction_followed: bool = True
    fallback: str = ""
    """Why another provider answered than the one that was asked for; empty if none did."""
    cited: tuple[str, ...] = ()
    """Ids of the sources that it builds on."""
    missing: tuple[str, ...] = ()
    """What the customer has not said and an answer needs, in the language of the draft."""
    sent: Sent = Sent()
