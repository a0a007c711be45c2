"""A server that speaks the OpenAI API as a provider: one call per analysis, every failure a stable reason."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import msgspec
import openai

from ai_service import entities
from ai_service.analysis import Analysis, CategoryScore, Inquiry, Model, Taxonomy, Usage
from ai_service.drafting import Drafted, Order
from ai_service.providers import chat
from ai_service.settings import AiSettings
from runtime.rpc.errors import Unavailable

OFFICIAL = "https://api.openai.com/v1"
LONGEST_RETRY_DELAY = 3600.0
NO_KEY = "none"
"""Sent to servers that need no key; the client insists on sending one."""


@asynccontextmanager
async def connected(configured: AiSettings) -> AsyncIterator["OpenAIProvider"]:
    """The provider with its connections, closed at the end. Nothing is sent before the first analysis."""
    client = openai.AsyncOpenAI(
        api_key=configured.openai_api_key or NO_KEY, base_url=configured.openai_base_url or OFFICIAL, max_retries=0
    )
    async with client:
        yield OpenAIProvider(client, configured)


class OpenAIProvider:
    """Classifies and drafts with a chat model; the facts are extracted here, since models cannot count characters."""

    def __init__(self, client: openai.AsyncOpenAI, configured: AiSettings) -> None:
        self.model = Model(provider="openai", name=configured.openai_model, prompt_version=chat.PROMPT_VERSION)
        self._client = client
        self._prompt = chat.load_prompt(configured.prompt_language)
        self._reply_prompt = chat.load_reply_prompt(configured.prompt_language)
        self._prices = (configured.openai_input_price, configured.openai_output_price)

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis as the model gives it, or Unavailable with one of the PROVIDER_ reasons."""
        started = time.perf_counter()
        completion = await self._complete(inquiry, taxonomy, timeout)
        tokens = completion.usage or chat.Tokens()
        answer = _read(completion.choices[0])
        return Analysis(
            categories=_scores(answer),
            sentiment=answer.sentiment,
            sentiment_score=answer.sentiment_score,
            priority=answer.priority,
            priority_reason=answer.priority_reason,
            language=answer.language,
            entities=entities.extract(inquiry),
            draft=answer.draft,
            # Some servers accept any model name and answer with the one they have: the record shows that one.
            model=msgspec.structs.replace(self.model, name=completion.model or self.model.name),
            knowledge_version=taxonomy.version,
            usage=self._usage(tokens, started),
        )

    async def draft(self, inquiry: Inquiry, order: Order, *, timeout: float) -> AsyncGenerator[str | Drafted]:
        """The reply as the model writes it, or Unavailable with one of the PROVIDER_ reasons."""
        started = time.perf_counter()
        text, model, tokens, ended = "", self.model.name, chat.Tokens(), False
        async with aclosing(self._stream(inquiry, order, timeout)) as chunks:
            async for chunk in chunks:
                model, tokens = chunk.model or model, chunk.usage or tokens
                for step in chunk.choices[:1]:
                    _check(step.delta.refusal, step.finish_reason)
                    ended = ended or step.finish_reason is not None
                    if step.delta.content:
                        text += step.delta.content
                        yield step.delta.content
                if len(text) > chat.MAX_DRAFT:
                    raise _bad_answer("too_long")
        if not ended:
            raise _bad_answer("truncated")
        if not text.strip():
            raise _bad_answer("empty")
        yield Drafted(
            text=text.strip(),
            model=Model(provider="openai", name=model, prompt_version=chat.REPLY_PROMPT_VERSION),
            usage=self._usage(tokens, started),
        )

    def _usage(self, tokens: chat.Tokens, started: float) -> Usage:
        # A price for a million tokens is the price of one token in millionths.
        for_input, for_output = self._prices
        return Usage(
            input_tokens=tokens.prompt_tokens,
            output_tokens=tokens.completion_tokens,
            cost_micros=round(tokens.prompt_tokens * for_input + tokens.completion_tokens * for_output),
            duration_ms=(time.perf_counter() - started) * 1_000,
        )

    async def _complete(self, inquiry: Inquiry, taxonomy: Taxonomy, timeout: float) -> chat.Completion:
        with _failures():
            async with asyncio.timeout(timeout):  # the client's own timeout counts each read, not the whole call
                response = await self._client.chat.completions.with_raw_response.create(
                    model=self.model.name,
                    messages=cast(Any, chat.messages(inquiry, taxonomy, self._prompt)),
                    response_format=cast(Any, chat.response_format(taxonomy)),
                    timeout=timeout,
                )
        try:
            # Read here, because the client passes on unchecked whatever a server sends with status 200.
            return msgspec.json.decode(response.content, type=chat.Completion)
        except msgspec.DecodeError:
            raise _bad_answer("no_completion") from None

    async def _stream(self, inquiry: Inquiry, order: Order, timeout: float) -> AsyncGenerator[chat.Chunk]:
        ends_at = asyncio.get_running_loop().time() + timeout
        with _failures():
            async with asyncio.timeout_at(ends_at):
                stream = await self._client.chat.completions.create(
                    model=self.model.name,
                    messages=cast(Any, chat.reply_messages(inquiry, order, self._reply_prompt)),
                    stream=True,
                    stream_options={"include_usage": True},
                    timeout=timeout,
                )
        async with stream:
            chunks = aiter(stream)
            while True:
                with _failures():
                    async with asyncio.timeout_at(ends_at):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    return
                try:
                    yield msgspec.convert(chunk, chat.Chunk, from_attributes=True)
                except msgspec.ValidationError:
                    raise _bad_answer("no_completion") from None


@contextmanager
def _failures() -> Iterator[None]:
    """Turns what the client raises into Unavailable."""
    try:
        yield
    except (TimeoutError, openai.APITimeoutError):
        raise Unavailable("The provider did not answer in time.", reason="PROVIDER_TIMEOUT") from None
    except openai.APIStatusError as error:
        raise _from_status(error.status_code, error.response.headers.get("retry-after", "")) from None
    except openai.APIConnectionError:
        raise Unavailable("The provider cannot be reached.", reason="PROVIDER_UNREACHABLE") from None
    except openai.APIError:  # what a stream says instead of going on
        raise Unavailable("The provider failed.", reason="PROVIDER_FAILED") from None
    except ValueError:  # a piece of a stream that is no JSON
        raise _bad_answer("no_completion") from None


def _from_status(status: int, retry_after: str) -> Unavailable:
    delay = _retry_after(retry_after)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable("The provider limits our rate.", reason="PROVIDER_RATE_LIMITED", retry_delay=delay)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable("The provider failed.", reason="PROVIDER_FAILED", retry_delay=delay)
    return Unavailable(
        f"The provider rejects our requests with status {status}; check its key, address and model.",
        reason="PROVIDER_REJECTED",
    )


def _retry_after(value: str) -> float | None:
    """Seconds, at most an hour, from a number of seconds or an HTTP date; None where absent or unreadable."""
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(0.0, seconds), LONGEST_RETRY_DELAY)


def _check(refusal: str | None, finish_reason: str | None) -> None:
    if refusal or finish_reason == "content_filter":
        raise Unavailable("The provider's model refuses to answer.", reason="PROVIDER_REFUSED")
    if finish_reason == "length":
        raise _bad_answer("truncated")


def _read(choice: chat.Choice) -> chat.Answer:
    _check(choice.message.refusal, choice.finish_reason)
    try:
        return chat.read(choice.message.content or "")
    except msgspec.ValidationError:
        raise _bad_answer("wrong_form") from None
    except msgspec.DecodeError:
        raise _bad_answer("not_json") from None


def _bad_answer(defect: str) -> Unavailable:
    return Unavailable(
        "The provider's answer cannot be used.", reason="PROVIDER_BAD_ANSWER", metadata={"defect": defect}
    )


def _scores(answer: chat.Answer) -> tuple[CategoryScore, ...]:
    """Most probable first; a model's numbers need not add up to 1 and are scaled down where they exceed it."""
    total = max(1.0, sum(scored.confidence for scored in answer.categories))
    ranked = sorted(answer.categories, key=lambda scored: -scored.confidence)
    return tuple(CategoryScore(scored.category, scored.confidence / total) for scored in ranked)
