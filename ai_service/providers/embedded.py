"""The embedded model as a provider: encoder, two heads, rules and templates; needs no key and no network."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from ai_service import entities, priority, reply
from ai_service.analysis import Analysis, CategoryScore, Decision, Inquiry, Model, Sentiment, Taxonomy, Usage
from ai_service.canned import CannedReplies
from ai_service.drafting import Drafted, Order
from ai_service.embedded import encoder, explain, head
from ai_service.embedded.categories import Case, Categories, learnt
from ai_service.embedded.grams import Grams
from ai_service.instruction import understand
from ai_service.language import LanguageDetector
from runtime.rpc.errors import DeadlineExceeded

WEIGHTS = "5"
"""Version of the committed weights; raise it whenever they are trained anew."""

PARAGRAPH = re.compile(r".+?(?:\n+|\Z)", re.DOTALL)
PORTION = 8
"""Texts that are encoded together where many are asked for and nobody waits for the first."""
NEIGHBOURS = 5


@asynccontextmanager
async def loaded() -> AsyncIterator["EmbeddedProvider"]:
    """The provider with encoder and language model in memory; they load side by side, in about 2 s."""
    text_encoder = encoder.Encoder()
    try:
        _, languages = await asyncio.gather(text_encoder.load(), asyncio.to_thread(LanguageDetector))
        yield EmbeddedProvider(text_encoder, languages)
    finally:
        await text_encoder.close()


class Explanation(msgspec.Struct, frozen=True):
    """Why a category is as probable as it is; phrases and neighbours are the weightiest and closest first."""

    category: str
    categories: tuple[CategoryScore, ...]
    phrases: tuple[explain.Phrase, ...]
    neighbours: tuple[tuple[Case, float], ...]
    knowledge_version: int
    learned_share: float


class EmbeddedProvider:
    """Everything is computed in this process."""

    model = Model(provider="embedded", name=f"{encoder.VERSION}+heads-{WEIGHTS}")
    encoder_version = encoder.VERSION

    def __init__(self, text_encoder: encoder.Encoder, languages: LanguageDetector) -> None:
        self._encoder = text_encoder
        self._languages = languages
        self._canned = CannedReplies(text_encoder)
        self._head = head.load("category")
        self._sentiment = head.load("sentiment")
        self.thresholds = head.thresholds()
        self._categories = Categories(self._head)

    async def learn(self, taxonomy: Taxonomy, decisions: Sequence[Decision]) -> None:
        """Take a new version of what is known; what is analysed meanwhile is analysed with the one before."""
        self._categories = await learnt(self._head, self._encoder, taxonomy, decisions, last=self._categories)

    async def analyze(self, inquiry: Inquiry, taxonomy: Taxonomy, *, timeout: float) -> Analysis:
        """The analysis; only the encoding waits, everything else takes well under a millisecond."""
        started = time.perf_counter()
        # The category is of the whole inquiry, the feeling of what the customer wrote last.
        texts = list(dict.fromkeys((inquiry.written, inquiry.latest)))
        embeddings = await self._encode(texts, timeout)
        words = [Grams(text) for text in texts]
        scores = self._categories.scores(embeddings[0], words[0], taxonomy.keys)
        sentiment, score = self._feeling(embeddings[-1], words[-1])
        language = self._languages.detect(inquiry.latest, inquiry.written)
        best, confidence = next(iter(scores.shares.items()))
        category = best if confidence >= taxonomy.confidence_threshold else None
        urgency, reason = priority.prioritise(category, sentiment, inquiry.latest)
        facts = entities.extract(inquiry)
        written = reply.draft(
            category=category,
            sentiment=sentiment,
            language=language,
            entities=facts,
            customer_name=inquiry.customer_name,
            reference=inquiry.reference,
            subject=inquiry.subject,
            canned=await self._canned.closest(inquiry.sources, embeddings[0], category=category, language=language),
        )
        return Analysis(
            categories=_scores(scores.shares),
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
            uncorrected_category=scores.uncorrected,
            learned_share=scores.learned_share,
        )

    async def explain(self, inquiry: Inquiry, taxonomy: Taxonomy, category: str, *, timeout: float) -> Explanation:
        """Why `category` ("" = the most probable one) is as probable as it is."""
        known, keys = self._categories, taxonomy.keys
        tried = explain.spans(inquiry)
        texts = [inquiry.written, *(explain.without(inquiry, span) for span in tried)]
        try:
            async with asyncio.timeout(timeout):
                rows = await self._portions(texts)
        except TimeoutError:
            raise DeadlineExceeded("The embedded model did not answer in time.") from None
        whole, *lesser = [known.scores(row, Grams(text), keys) for row, text in zip(rows, texts, strict=True)]
        explained = category or next(iter(whole.shares))
        return Explanation(
            category=explained,
            categories=_scores(whole.shares),
            phrases=tuple(
                explain.weighed(tried, whole.shares[explained], [scores.shares[explained] for scores in lesser])
            ),
            neighbours=tuple(known.closest(rows[0], NEIGHBOURS)),
            knowledge_version=taxonomy.version,
            learned_share=whole.learned_share,
        )

    async def draft(self, inquiry: Inquiry, order: Order, *, timeout: float) -> AsyncGenerator[str | Drafted]:
        """The reply from templates or a canned one, by paragraphs; of instructions it understands the usual ones."""
        started = time.perf_counter()
        (embedding,) = await self._encode([inquiry.latest], timeout)
        sentiment, _ = self._feeling(embedding, Grams(inquiry.latest))
        understood = understand(order.instruction)
        language = understood.language or self._languages.detect(inquiry.latest, inquiry.written)
        canned = await self._canned.closest(inquiry.sources, embedding, category=order.category, language=language)
        written = reply.draft(
            category=order.category,
            sentiment=sentiment,
            language=language,
            entities=entities.extract(inquiry),
            customer_name=inquiry.customer_name,
            reference=inquiry.reference,
            subject=inquiry.subject,
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
        """One packed embedding per text."""
        return [encoder.packed(row) for row in await self._portions(texts)]

    async def _portions(self, texts: Sequence[str]) -> list[encoder.Embedding]:
        """Encode in portions, so that an analysis that comes meanwhile waits for one only."""
        rows: list[encoder.Embedding] = []
        for start in range(0, len(texts), PORTION):
            rows += list(await self._encoder.encode(texts[start : start + PORTION]))
        return rows

    async def _encode(self, texts: Sequence[str], timeout: float) -> encoder.Embedding:
        try:
            async with asyncio.timeout(timeout):
                return await self._encoder.encode(texts)
        except TimeoutError:
            raise DeadlineExceeded("The embedded model did not answer in time.") from None

    def _feeling(self, embedding: encoder.Embedding, words: Grams) -> tuple[Sentiment, float]:
        shares = self._sentiment.probabilities(embedding, words)
        return Sentiment(max(shares, key=lambda label: shares[label])), shares["positive"] - shares["negative"]


def _scores(shares: Mapping[str, float]) -> tuple[CategoryScore, ...]:
    return tuple(CategoryScore(category=key, confidence=share) for key, share in shares.items())
