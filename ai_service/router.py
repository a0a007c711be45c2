"""Which provider analyses: the one that the installation wants; what happens while that one cannot."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import structlog

from ai_service.analysis import Analysis, Decision, Inquiry, Model, Taxonomy
from ai_service.drafting import Drafted, Order
from ai_service.guard import State
from ai_service.providers.failure import Failure
from ai_service.settings import AiSettings
from runtime.rpc.errors import Unavailable

if TYPE_CHECKING:  # encoder and client are imported only where they are used
    from ai_service.embedded.head import ThresholdPoint
    from ai_service.paid import PaidProvider
    from ai_service.providers import Provider
    from ai_service.providers.embedded import EmbeddedProvider, Explanation

log = structlog.get_logger(__name__)

RESERVE = 2.0
"""Seconds kept for the embedded model, which takes over when the other one does not answer in time."""
UNTIL_MORE_MONEY = 600.0
"""Seconds after which it is worth asking whether a new day or an admin allows more to be spent."""


class Router:
    """Chooses between the embedded model and, where one is configured, a provider that may cost money.

    While that one cannot answer, the embedded model does, and says why; or, if `patient`, nobody does, and whoever
    asked is told when to come back.
    """

    def __init__(
        self, embedded: "EmbeddedProvider", paid: "PaidProvider | None" = None, *, patient: bool = False
    ) -> None:
        self._embedded = embedded
        self._paid = paid
        self._patient = patient

    def model(self, wanted: str) -> Model:
        """The model that answers at present. Raises Unavailable (PROVIDER_NOT_CONFIGURED)."""
        return self._choose(wanted).model

    @property
    def paid_state(self) -> State | None:
        """How the provider that may cost money is doing, where one is configured."""
        return self._paid.state if self._paid else None

    async def analyze(self, wanted: str, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis by `wanted`: "auto", "embedded" or "openai". Raises Unavailable with a stable reason."""
        provider = self._choose(wanted)
        if provider is self._embedded:
            return await provider.analyze(inquiry, taxonomy, timeout=timeout)
        try:
            _check_money(inquiry)
            (embedding, version), analysis = await asyncio.gather(
                self._meaning(inquiry),
                provider.analyze(inquiry, taxonomy, timeout=self._shortened(timeout)),
            )
        except Failure as failure:
            self._give_up_or_go_on(failure)
            analysis = await self._embedded.analyze(inquiry, taxonomy, timeout=RESERVE)
            return msgspec.structs.replace(
                analysis,
                usage=failure.usage + analysis.usage,
                sent=failure.sent,
                fallback=failure.reason.lower(),
            )
        return msgspec.structs.replace(analysis, embedding=embedding, encoder_version=version)

    async def draft(
        self, wanted: str, inquiry: Inquiry, order: Order, *, timeout: float
    ) -> AsyncGenerator[str | Drafted]:
        """A reply as it is written, and at the end the whole of it, which counts; raises as `analyze`.

        What was written before a provider failed is not in the whole.
        """
        provider, begun = self._choose(wanted), False
        if provider is self._embedded:
            async with aclosing(provider.draft(inquiry, order, timeout=timeout)) as parts:
                async for part in parts:
                    yield part
            return
        try:
            _check_money(inquiry)
            async with aclosing(provider.draft(inquiry, order, timeout=self._shortened(timeout))) as parts:
                async for part in parts:
                    begun = True
                    yield part
        except Failure as failure:
            self._give_up_or_go_on(failure)
            async with aclosing(self._embedded.draft(inquiry, order, timeout=RESERVE)) as parts:
                async for part in parts:
                    if isinstance(part, Drafted):
                        yield msgspec.structs.replace(
                            part,
                            usage=failure.usage + part.usage,
                            sent=failure.sent,
                            fallback=failure.reason.lower(),
                        )
                    elif not begun:
                        yield part

    @property
    def thresholds(self) -> "Sequence[ThresholdPoint]":
        """What thresholds are worth with the embedded model."""
        return self._embedded.thresholds

    async def explain(self, inquiry: Inquiry, taxonomy: Taxonomy, category: str, *, timeout: float) -> "Explanation":
        """Why the embedded model gives `category` ("" = the one it puts first) its probability."""
        return await self._embedded.explain(inquiry, taxonomy, category, timeout=timeout)

    async def learn(self, taxonomy: Taxonomy, decisions: Sequence[Decision]) -> None:
        """Let the embedded model take a new version of what is known."""
        await self._embedded.learn(taxonomy, decisions)

    async def embed(self, texts: Sequence[str]) -> tuple[list[bytes], str]:
        """One packed embedding per text, and the version of the encoder that made them."""
        return await self._embedded.embed(texts), self._embedded.encoder_version

    async def _meaning(self, inquiry: Inquiry) -> tuple[bytes, str]:
        """The embedding and its encoder; empty where that one has ended, since what was paid for is worth keeping."""
        try:
            (embedding,) = await self._embedded.embed([inquiry.written])
        except Unavailable:
            return b"", ""
        return embedding, self._embedded.encoder_version

    def _choose(self, wanted: str) -> "Provider":
        if wanted == "embedded":
            return self._embedded
        if self._paid is None and wanted == "openai":
            raise Unavailable(
                "The provider openai is asked for, and neither its key nor its address is configured.",
                reason="PROVIDER_NOT_CONFIGURED",
            )
        return self._paid or self._embedded

    def _shortened(self, timeout: float) -> float:
        return timeout if self._patient else max(timeout - RESERVE, 0.75 * timeout)

    def _give_up_or_go_on(self, failure: Failure) -> None:
        log.warning("provider_failed", reason=failure.reason, defect=failure.defect, patient=self._patient)
        if self._patient:
            failure.metadata.update(failure.usage.noted())
            raise failure


def _check_money(inquiry: Inquiry) -> None:
    if inquiry.spend_left is not None and inquiry.spend_left <= 0:
        raise Failure("The day's money is spent.", reason="SPEND_CAP", retry_delay=UNTIL_MORE_MONEY)


@asynccontextmanager
async def opened(configured: AiSettings) -> AsyncIterator[Router]:
    """The router over what is configured; of the providers, only what is needed is imported."""
    from ai_service.providers import embedded

    async with AsyncExitStack() as stack:
        paid = None
        if configured.openai_api_key or configured.openai_base_url:
            from ai_service.paid import connected

            paid = await stack.enter_async_context(connected(configured))
        patient = configured.ai_fallback == "wait"
        yield Router(await stack.enter_async_context(embedded.loaded()), paid, patient=patient)
