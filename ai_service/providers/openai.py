"""A server that speaks the OpenAI API: one call each, every failure with a stable reason and what it has cost."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, cast

import msgspec
import openai

from ai_service.analysis import Analysis, CategoryScore, Inquiry, Model, Taxonomy, Usage, WrongAnswer, check
from ai_service.drafting import Drafted, Order
from ai_service.providers import answer, chat, wire
from ai_service.providers.failure import Failure, bad_answer
from ai_service.providers.openai_errors import failures
from ai_service.settings import AiSettings

OFFICIAL = "https://api.openai.com/v1"
LONGEST_ANSWER = 1_000_000
"""Bytes of a whole answer, or characters of a streamed one; whatever sends more is cut off."""
NO_KEY = "none"
"""Sent to servers that need no key; the client insists on sending one."""


@asynccontextmanager
async def connected(configured: AiSettings) -> AsyncIterator["OpenAIProvider"]:
    """The provider with its connections, closed at the end. Nothing is sent before the first analysis."""
    client = openai.AsyncOpenAI(
        api_key=configured.openai_api_key or NO_KEY,
        base_url=configured.openai_base_url or OFFICIAL,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(),  # a call takes half of what it takes over the usual one
    )
    async with client:
        yield OpenAIProvider(client, configured)


class OpenAIProvider:
    """Sends what it is given: hiding, limits and second tries are the caller's. `again`: the last answer was bad."""

    def __init__(self, client: openai.AsyncOpenAI, configured: AiSettings) -> None:
        self.model = Model(provider="openai", name=configured.openai_model, prompt_version=chat.PROMPT_VERSION)
        self._client = client
        self._prompts = chat.Prompts(configured.prompt_language)
        self._screen = answer.Screen(self._prompts.texts)
        self._prices = (configured.openai_input_price, configured.openai_output_price)

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, again: bool, timeout: float) -> Analysis:
        """The analysis as the model gives it, without extracted facts. Raises Failure with a PROVIDER_ reason."""
        started = time.perf_counter()
        messages = self._prompts.analyze(inquiry, taxonomy, again=again)
        completion = await self._complete(messages, chat.analysis_format(inquiry, taxonomy), timeout)
        usage = self._usage(completion.usage, started)
        with _costing(usage):
            choice = completion.choices[0]
            _check_end(choice.message.refusal, choice.finish_reason)
            given = answer.read(choice.message.content or "", answer.Answer)
            self._screen.check(given.draft, inquiry)
            analysis = Analysis(
                categories=_scores(given),
                sentiment=given.sentiment,
                sentiment_score=given.sentiment_score,
                priority=given.priority,
                priority_reason=given.priority_reason,
                language=given.language,
                entities=(),
                draft=given.draft,
                model=self._answered(completion.model),
                knowledge_version=taxonomy.version,
                usage=usage,
                cited=answer.cited(given.cited, inquiry),
                missing=given.missing,
            )
            try:
                return check(analysis, taxonomy)
            except WrongAnswer as error:
                raise bad_answer(str(error)) from None

    async def draft(
        self, inquiry: Inquiry, order: Order, *, again: bool, timeout: float
    ) -> AsyncGenerator[str | Drafted]:
        """The reply as the model writes it, and at the end the whole of it. Raises Failure with a PROVIDER_ reason."""
        started = time.perf_counter()
        streamed, model, tokens, ended = answer.Streamed(), "", None, False
        messages = self._prompts.reply(inquiry, order, again=again)
        async with aclosing(self._stream(messages, chat.reply_format(inquiry), timeout)) as chunks:
            async for chunk in chunks:
                model, tokens = chunk.model or model, chunk.usage or tokens
                for step in chunk.choices[:1]:
                    with _costing(self._usage(tokens, started)):
                        _check_end(step.delta.refusal, step.finish_reason)
                        text = streamed.take(step.delta.content or "")
                        if max(len(streamed.draft) / answer.MAX_DRAFT, len(streamed.content) / LONGEST_ANSWER) > 1:
                            raise bad_answer("too_long")
                        self._screen.check(_whole_words(streamed.draft), inquiry)
                    ended = ended or step.finish_reason is not None
                    if text:
                        yield text
        usage = self._usage(tokens, started)
        with _costing(usage):
            if not ended:
                raise bad_answer("truncated")
            given = answer.read(streamed.content, answer.Reply)
            self._screen.check(given.draft, inquiry)
            if not given.draft.strip():
                raise bad_answer("empty")
        if rest := given.draft.removeprefix(streamed.draft):
            yield rest
        yield Drafted(
            text=given.draft.strip(),
            model=self._answered(model),
            usage=usage,
            cited=answer.cited(given.cited, inquiry),
            missing=given.missing,
        )

    def _answered(self, name: str | None) -> Model:
        # Some servers accept any model name and answer with the one they have: the record shows that one.
        return msgspec.structs.replace(self.model, name=name or self.model.name)

    def _usage(self, tokens: wire.Tokens | None, started: float) -> Usage:
        # A price for a million tokens is the price of one token in millionths.
        for_input, for_output = self._prices
        taken = tokens or wire.Tokens()
        return Usage(
            input_tokens=taken.prompt_tokens,
            output_tokens=taken.completion_tokens,
            cost_micros=round(taken.prompt_tokens * for_input + taken.completion_tokens * for_output),
            duration_ms=(time.perf_counter() - started) * 1_000,
        )

    async def _complete(self, messages: chat.Messages, form: dict[str, Any], timeout: float) -> wire.Completion:
        body = bytearray()
        with failures():
            async with (
                asyncio.timeout(timeout),  # the client's own timeout counts each read, not the whole call
                self._client.chat.completions.with_streaming_response.create(
                    model=self.model.name,
                    messages=(),
                    # Passed as they are: as arguments the client would hold every part of them against its types,
                    # which takes a third of what a call costs.
                    extra_body={"messages": messages, "response_format": form},
                    timeout=timeout,
                ) as response,
            ):
                async for part in response.iter_bytes():
                    body += part
                    if len(body) > LONGEST_ANSWER:
                        raise bad_answer("too_long")
        try:
            # Read here, because the client passes on unchecked whatever a server sends with status 200.
            return msgspec.json.decode(body, type=wire.Completion)
        except msgspec.DecodeError:
            raise bad_answer("no_completion") from None

    async def _stream(
        self, messages: chat.Messages, form: dict[str, Any], timeout: float
    ) -> AsyncGenerator[wire.Chunk]:
        ends_at = asyncio.get_running_loop().time() + timeout
        with failures():
            async with asyncio.timeout_at(ends_at):
                stream = await self._client.chat.completions.create(
                    model=self.model.name,
                    messages=cast(Any, messages),
                    response_format=cast(Any, form),
                    stream=True,
                    stream_options={"include_usage": True},
                    timeout=timeout,
                )
        async with stream:
            chunks = aiter(stream)
            while True:
                with failures():
                    async with asyncio.timeout_at(ends_at):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    return
                try:
                    yield msgspec.convert(chunk, wire.Chunk, from_attributes=True)
                except msgspec.ValidationError:
                    raise bad_answer("no_completion") from None


@contextmanager
def _costing(usage: Usage) -> Iterator[None]:
    """What fails here has cost this much all the same."""
    try:
        yield
    except Failure as failure:
        failure.usage = usage
        raise


def _check_end(refusal: str | None, finish_reason: str | None) -> None:
    if refusal or finish_reason == "content_filter":
        raise Failure("The provider's model refuses to answer.", reason="PROVIDER_REFUSED")
    if finish_reason == "length":
        raise bad_answer("truncated")


def _scores(given: answer.Answer) -> tuple[CategoryScore, ...]:
    """Most probable first; a model's numbers need not add up to 1 and are scaled down where they exceed it."""
    total = max(1.0, sum(scored.confidence for scored in given.categories))
    ranked = sorted(given.categories, key=lambda scored: -scored.confidence)
    return tuple(CategoryScore(scored.category, scored.confidence / total) for scored in ranked)


def _whole_words(text: str) -> str:
    """Without a last word that may go on."""
    return text[: max(text.rfind(" "), text.rfind("\n")) + 1]
