"""Who can analyse an inquiry: the embedded model, or a server outside that speaks the OpenAI API."""

from collections.abc import AsyncGenerator
from typing import Protocol

from ai_service.analysis import Analysis, Inquiry, Model, Taxonomy
from ai_service.drafting import Drafted, Order


class Provider(Protocol):
    """Analyses inquiries."""

    @property
    def model(self) -> Model:
        """What answers."""
        ...

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis, made within `timeout` seconds.

        Raises Unavailable with a stable reason when the provider cannot answer now, DeadlineExceeded past the timeout.
        """
        ...

    def draft(self, inquiry: Inquiry, order: Order, *, timeout: float) -> AsyncGenerator[str | Drafted]:
        """A reply as it is written, and at the end the whole of it; within `timeout` seconds. Raises as `analyze`."""
        ...
