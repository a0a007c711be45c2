"""Who can analyse an inquiry: the embedded model, or a server that speaks the OpenAI API."""

from typing import Protocol

from ai_service.analysis import Analysis, Inquiry, Model, Taxonomy


class Provider(Protocol):
    """Analyses inquiries; `model` says what answers."""

    model: Model

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis, made within `timeout` seconds.

        Raises Unavailable with a stable reason when the provider cannot answer now, DeadlineExceeded past the timeout.
        """
        ...
