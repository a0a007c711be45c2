"""Which provider analyses: the one that the installation wants, as long as the money lasts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from ai_service.analysis import Analysis, Inquiry, Model, Taxonomy
from ai_service.drafting import Drafted, Order
from ai_service.providers import Provider
from ai_service.settings import AiSettings
from runtime.rpc.errors import Unavailable

if TYPE_CHECKING:  # the encoder is imported only where it is loaded
    from ai_service.providers.embedded import EmbeddedProvider

SPEND_CAP = "spend_cap"


class Router:
    """Chooses between the embedded model and, where one is configured, a provider that may cost money."""

    def __init__(self, embedded: "EmbeddedProvider", paid: Provider | None = None) -> None:
        self._embedded = embedded
        self._paid = paid

    def model(self, wanted: str) -> Model:
        """The model that answers at present. Raises Unavailable (PROVIDER_NOT_CONFIGURED)."""
        return self._choose(wanted).model

    async def analyze(self, wanted: str, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis by `wanted`: "auto", "embedded" or "openai"; by the embedded model once the money is spent.

        Raises what the provider raises, and Unavailable (PROVIDER_NOT_CONFIGURED).
        """
        provider = self._choose(wanted)
        if provider is self._embedded:
            return await provider.analyze(inquiry, taxonomy, timeout=timeout)
        if inquiry.spend_left is None or inquiry.spend_left > 0:
            analysis, (embedding,) = await asyncio.gather(
                provider.analyze(inquiry, taxonomy, timeout=timeout), self._embedded.embed([inquiry.written])
            )
            return msgspec.structs.replace(
                analysis, embedding=embedding, encoder_version=self._embedded.encoder_version
            )
        analysis = await self._embedded.analyze(inquiry, taxonomy, timeout=timeout)
        return msgspec.structs.replace(analysis, fallback=SPEND_CAP)

    async def draft(
        self, wanted: str, inquiry: Inquiry, order: Order, *, timeout: float
    ) -> AsyncGenerator[str | Drafted]:
        """A reply as it is written, and at the end the whole of it; who writes and what is raised as in `analyze`."""
        provider = self._choose(wanted)
        spent = provider is not self._embedded and inquiry.spend_left is not None and inquiry.spend_left <= 0
        writer = self._embedded if spent else provider
        async with aclosing(writer.draft(inquiry, order, timeout=timeout)) as parts:
            async for part in parts:
                yield msgspec.structs.replace(part, fallback=SPEND_CAP) if spent and isinstance(part, Drafted) else part

    async def embed(self, texts: Sequence[str]) -> tuple[list[bytes], str]:
        """One packed embedding per text, and the version of the encoder that made them."""
        return await self._embedded.embed(texts), self._embedded.encoder_version

    def _choose(self, wanted: str) -> Provider:
        if wanted == "embedded":
            return self._embedded
        if self._paid is None and wanted == "openai":
            raise Unavailable(
                "The provider openai is asked for, and neither its key nor its address is configured.",
                reason="PROVIDER_NOT_CONFIGURED",
            )
        return self._paid or self._embedded


@asynccontextmanager
async def opened(configured: AiSettings) -> AsyncIterator[Router]:
    """The router over what is configured; of the providers, only what is needed is imported."""
    from ai_service.providers import embedded

    async with AsyncExitStack() as stack:
        paid: Provider | None = None
        if configured.openai_api_key or configured.openai_base_url:
            from ai_service.providers import openai

            paid = await stack.enter_async_context(openai.connected(configured))
        yield Router(await stack.enter_async_context(embedded.loaded()), paid)
