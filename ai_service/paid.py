"""A provider outside of this machine, as the router asks it: what is personal is hidden, one failure is forgiven."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec

from ai_service import entities, reply
from ai_service.analysis import Analysis, Inquiry, Model, Sent, Source, Taxonomy, Usage
from ai_service.drafting import Drafted, Order
from ai_service.guard import HONOURED, Guard, State
from ai_service.privacy.masking import Veil, without_strangers
from ai_service.providers import openai
from ai_service.providers.failure import Failure
from ai_service.settings import AiSettings

SHORTEST = 1.0
"""Seconds that must be left for a second call."""
PAUSE = (0.1, 0.4)
"""Seconds before a second call to a provider that failed and did not say when to come back."""

SHORT = 500
"""Characters in which what is personal is found in about a millisecond; a thread of its own would cost as much."""


@asynccontextmanager
async def connected(configured: AiSettings) -> AsyncIterator["PaidProvider"]:
    """The configured provider with all that belongs to it."""
    guard = Guard(
        at_once=configured.openai_at_once,
        calls=configured.openai_calls_per_minute,
        tokens=configured.openai_tokens_per_minute,
    )
    async with openai.connected(configured) as provider:
        yield PaidProvider(provider, guard, masking=configured.ai_masking, patient=configured.ai_fallback == "wait")


class PaidProvider:
    """Asks at most twice: the second time for an answer that can be used, or, unless `patient`, after a failed call.

    Who is patient has a queue that tries again later; who is not has the embedded model behind it, and no other try.
    """

    def __init__(self, provider: openai.OpenAIProvider, guard: Guard, *, masking: bool, patient: bool) -> None:
        self._provider = provider
        self._guard = guard
        self._masking = masking
        self._patient = patient

    @property
    def model(self) -> Model:
        """What is asked for."""
        return self._provider.model

    @property
    def state(self) -> State:
        """How it is doing."""
        state = self._guard.state(self.model)
        return msgspec.structs.replace(state, fallback="wait" if self._patient else "embedded", masking=self._masking)

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis, made within `timeout` seconds. Raises Failure."""
        veil = await self._veiled(inquiry)
        trial = _Trial(timeout)
        while True:
            async with self._attempt(trial, veil):
                analysis = await self._provider.analyze(
                    veil.inquiry, taxonomy, again=trial.answered_badly, timeout=trial.seconds_left
                )
                self._guard.budget.count_tokens(_tokens(analysis.usage))
                return msgspec.structs.replace(
                    analysis,
                    draft=_ready(analysis.draft, veil, inquiry),
                    missing=tuple(map(veil.restored, analysis.missing)),
                    entities=entities.extract(inquiry),
                    usage=trial.spent + analysis.usage,
                    sent=_sent(veil),
                )

    async def draft(self, inquiry: Inquiry, order: Order, *, timeout: float) -> AsyncGenerator[str | Drafted]:
        """The reply as it is written, and at the end the whole of it. Raises Failure."""
        veil = await self._veiled(inquiry)
        trial = _Trial(timeout)
        hidden = msgspec.structs.replace(order, instruction=veil.hidden(order.instruction))
        while True:
            restoring, finished = veil.restoring(), None
            async with self._attempt(trial, veil):
                written = self._provider.draft(
                    veil.inquiry, hidden, again=trial.answered_badly, timeout=trial.seconds_left
                )
                async with aclosing(written) as parts:
                    async for part in parts:
                        if isinstance(part, Drafted):
                            finished = part
                        elif text := restoring.take(part):
                            trial.begun = True
                            yield text
            if finished is None:
                continue
            self._guard.budget.count_tokens(_tokens(finished.usage))
            if rest := restoring.rest():
                yield rest
            yield msgspec.structs.replace(
                finished,
                text=_ready(finished.text, veil, inquiry),
                missing=tuple(map(veil.restored, finished.missing)),
                usage=trial.spent + finished.usage,
                sent=_sent(veil),
            )
            return

    async def _veiled(self, inquiry: Inquiry) -> Veil:
        """On a thread where it takes long enough to hold up other calls."""
        texts = [turn.text for turn in inquiry.conversation] + [source.text for source in inquiry.sources]
        if len(inquiry.subject) + sum(map(len, texts)) <= SHORT:
            return self._veil(inquiry)
        return await asyncio.to_thread(self._veil, inquiry)

    def _veil(self, inquiry: Inquiry) -> Veil:
        return Veil(_with_prepared_sources(inquiry), on=self._masking)

    @asynccontextmanager
    async def _attempt(self, trial: "_Trial", veil: Veil) -> AsyncIterator[None]:
        """One call; swallows the failure that is worth a second one, after waiting for it."""
        try:
            async with self._guard.call(trial.seconds_left):
                trial.sent = _sent(veil)
                yield
        except Failure as failure:
            self._guard.budget.count_tokens(_tokens(failure.usage))
            trial.spent += failure.usage
            pause = None if trial.failed_once else self._pause_after(failure)
            if pause is None or trial.begun or trial.seconds_left < pause + SHORTEST:
                raise self._final(failure, trial) from None
            trial.failed_once, trial.answered_badly = True, failure.reason == "PROVIDER_BAD_ANSWER"
            await asyncio.sleep(pause)

    def _pause_after(self, failure: Failure) -> float | None:
        """Seconds to wait before a second call; None where one makes no sense."""
        if failure.reason == "PROVIDER_BAD_ANSWER":
            return 0.0
        if self._patient or failure.reason not in {"PROVIDER_FAILED", "PROVIDER_UNREACHABLE", "PROVIDER_RATE_LIMITED"}:
            return None
        asked = failure.retry_delay or 0.0
        return None if asked > HONOURED else asked + random.uniform(*PAUSE)  # noqa: S311 - jitter is no secret

    def _final(self, failure: Failure, trial: "_Trial") -> Failure:
        """The failure with all that was spent and sent; once the circuit is open, it is no fault of the inquiry."""
        circuit = self._guard.circuit
        if self._patient and failure.is_of_the_call and circuit.seconds_left and (failure.retry_delay or 0) <= HONOURED:
            cause, failure = failure.reason, circuit.refusal()
            failure.metadata["cause"] = cause
        failure.usage, failure.sent = trial.spent, trial.sent
        return failure


class _Trial:
    """What has happened to one request so far."""

    def __init__(self, timeout: float) -> None:
        self._ends_at = asyncio.get_running_loop().time() + timeout
        self.spent = Usage()
        self.sent = Sent()
        self.failed_once = False
        self.answered_badly = False
        self.begun = False

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._ends_at - asyncio.get_running_loop().time())


def _sent(veil: Veil) -> Sent:
    return Sent(text=veil.inquiry.written, masked=veil.masked)


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _with_prepared_sources(inquiry: Inquiry) -> Inquiry:
    return msgspec.structs.replace(
        inquiry, sources=tuple(_prepared(source, inquiry.reference) for source in inquiry.sources)
    )


def _prepared(source: Source, reference: str) -> Source:
    """Answers to look-alikes were written to other customers; canned replies are the company's own.

    What a customer may write anything into, their name and subject, must not stand among words of the company, which
    are believed: the model or, after it, `_ready` puts it where the variable stands.
    """
    if not source.id.startswith("canned:"):
        return msgspec.structs.replace(
            source, title=without_strangers(source.title), text=without_strangers(source.text)
        )
    text = reply.filled(source.text, reference=reference, agent_name=reply.team(source.language))
    return msgspec.structs.replace(source, text=text)


def _ready(draft: str, veil: Veil, inquiry: Inquiry) -> str:
    """The draft as it can be sent."""
    return reply.filled(
        veil.restored(draft),
        customer_name=reply.plausible_name(inquiry.customer_name),
        reference=inquiry.reference,
        subject=inquiry.subject,
    )
