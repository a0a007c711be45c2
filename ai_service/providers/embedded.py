"""The embedded model as a provider: encoder, two heads, rules and templates; needs no key and no network."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ai_service import entities, priority, reply
from ai_service.analysis import Analysis, CategoryScore, Inquiry, Model, Sentiment, Taxonomy, Usage
from ai_service.canned import CannedReplies
from ai_service.drafting import Drafted, Order
from ai_service.embedded import encoder, head
from ai_service.instruction import understand
from ai_service.language import LanguageDetector
from runtime.rpc.errors import DeadlineExceeded

WEIGHTS = "1"
"""Version of the committed weights; raise it whenever they are trained anew."""

PARAGRAPH = re.compile(r".+?(?:\n+|\Z)", re.DOTALL)
PORTION = 8
"""Texts that are encoded together where many are asked for and nobody waits for the first."""


@asynccontextmanager
async def loaded() -> AsyncIterator["EmbeddedProvider"]:
    """The provider with encoder and language model in memory; they load side by side, in about 2 s."""
    text_encoder = encoder.Encoder()
    try:
        _, languages = await asyncio.gather(text_encoder.load(), asyncio.to_thread(LanguageDetector))
        yield EmbeddedProvider(text_encoder, languages)
    finally:
        text_encoder.close()


class EmbeddedProvider:
    """Everything is computed in this process."""

    model = Model(provider="embedded", name=f"{encoder.VERSION}+heads-{WEIGHTS}")
    encoder_version = encoder.VERSION

    def __init__(self, text_encoder: encoder.Encoder, languages: LanguageDetector) -> None:
        self._encoder = text_encoder
        self._languages = languages
        self._canned = CannedReplies(text_encoder)
        self._category = head.load("category")
        self._sentiment = head.load("sentiment")

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis; only the encoding waits, everything else takes well under a millisecond."""
        started = time.perf_counter()
        # The category is of the whole inquiry, the feeling of what the customer wrote last.
        texts = list(dict.fromkeys((inquiry.written, inquiry.latest)))
        embeddings = await self._encode(texts, timeout)
        categories = self._categories(embeddings[0], taxonomy)
        sentiment, score = self._feeling(embeddings[-1])
        language = self._languages.detect(inquiry.latest, inquiry.written)
        best = categories[0]
        category = best.category if best.confidence >= taxonomy.confidence_threshold else None
        urgency, reason = priority.prioritise(category, sentiment, inquiry.latest)
        facts = entities.extract(inquiry)
        written = reply.draft(
            category=category,
            sentiment=sentiment,
            language=language,
            entities=facts,
            customer_name=inquiry.customer_name,
            canned=await self._canned.closest(inquiry.sources, embeddings[0], category=category, language=language),
        )
        return Analysis(
            categories=categories,
            sentiment=sentiment,
            sentiment_score=score,
            priority=urgency,
            priority_reason=reason,
            language=language,
            entities=facts,
            draft=written.text,
            cited=written.cited,
            missing=written.missing,
            model=self.model,
            knowledge_version=taxonomy.version,
            usage=Usage(duration_ms=(time.perf_counter() - started) * 1_000),
            embedding=encoder.packed(embeddings[0]),
            encoder_version=encoder.VERSION,
        )

    async def draft(self, inquiry: Inquiry, order: Order, *, timeout: float) -> AsyncGenerator[str | Drafted]:
        """The reply from templates or a canned one, by paragraphs; of instructions it understands the usual ones."""
        started = time.perf_counter()
        (embedding,) = await self._encode([inquiry.latest], timeout)
        sentiment, _ = self._feeling(embedding)
        understood = understand(order.instruction)
        language = understood.language or self._languages.detect(inquiry.latest, inquiry.written)
        canned = await self._canned.closest(inquiry.sources, embedding, category=order.category, language=language)
        written = reply.draft(
            category=order.category,
            sentiment=sentiment,
            language=language,
            entities=entities.extract(inquiry),
            customer_name=inquiry.customer_name,
            manner=understood.manner,
            # Its words are as they are: who asks for others gets a template.
            canned=None if understood.manner.shorter else canned,
        )
        for paragraph in PARAGRAPH.findall(written.text):
            yield paragraph
        yield Drafted(
            text=written.text,
            cited=written.cited,
            missing=written.missing,
            model=self.model,
            usage=Usage(duration_ms=(time.perf_counter() - started) * 1_000),
            instruction_followed=understood.wholly,
        )

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """One packed embedding per text; in portions, so that an analysis that comes meanwhile waits for one only."""
        packed: list[bytes] = []
        for start in range(0, len(texts), PORTION):
            packed += map(encoder.packed, await self._encoder.encode(texts[start : start + PORTION]))
        return packed

    async def _encode(self, texts: Sequence[str], timeout: float) -> encoder.Embedding:
        try:
            async with asyncio.timeout(timeout):
                return await self._encoder.encode(texts)
        except TimeoutError:
            raise DeadlineExceeded("The embedded model did not answer in time.") from None

    def _categories(self, embedding: encoder.Embedding, taxonomy: Taxonomy) -> tuple[CategoryScore, ...]:
        shares = self._category.probabilities(embedding, taxonomy.keys)
        if not shares:  # none of these categories was ever learnt: nothing speaks for one more than for another
            shares = dict.fromkeys(taxonomy.keys, 1 / len(taxonomy.keys))
        return tuple(CategoryScore(category=key, confidence=share) for key, share in shares.items())

    def _feeling(self, embedding: encoder.Embedding) -> tuple[Sentiment, float]:
        shares = self._sentiment.probabilities(embedding, tuple(Sentiment))
        return Sentiment(next(iter(shares))), shares[Sentiment.POSITIVE] - shares[Sentiment.NEGATIVE]
