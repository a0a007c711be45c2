"""Searching for staff: words, names with typos and meaning, merged into one list that says why each is on it."""

import asyncio
import re
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.domain import text
from inquiry_service.domain.meaning import Meanings
from inquiry_service.domain.page_tokens import PageTokens, page_size
from inquiry_service.domain.roles import require_staff
from inquiry_service.domain.vocabulary import number_of, reference
from inquiry_service.storage import findings, search, search_query
from inquiry_service.storage.database import Connection, Database
from inquiry_service.storage.records import Candidate, InquiryRecord, Match, Reasons, SimilarRecord
from inquiry_service.storage.search import Search
from inquiry_service.storage.search_query import Term
from inquiry_service.storage.search_statements import MOST
from runtime.rpc.context import Principal
from runtime.rpc.errors import NotFound

MOST_RANKED = 200
MOST_TERMS = 20
MOST_SIMILAR = 20
DEFAULT_SIMILAR = 5
SHORTEST_NAME = 3
MOST_WORDS_OF_NAME = 4

# How much being first in a source counts, and how fast that falls with the rank (reciprocal rank fusion).
WEIGHTS = {"reference": 10.0, "name": 1.5, "words": 1.0, "meaning": 0.9, "category": 0.3}
SMOOTHING = 60

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_MEANINGFUL = re.compile(r"[^\W\d_]{3}")
_POSITION = struct.Struct(">QHB")

Sources = Mapping[str, Sequence[Candidate]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a ranked list. `meaning` is "used" or "unavailable", empty where there was none to look for."""

    items: list[InquiryRecord]
    next_page_token: str
    previous_page_token: str
    total: int
    total_is_estimate: bool
    meaning: str


class Searching:
    """Searches all inquiries, so for staff only."""

    def __init__(self, database: Database, tokens: PageTokens, meanings: Meanings) -> None:
        self._database = database
        self._tokens = tokens
        self._meanings = meanings

    async def search(self, filters: Mapping[str, Any], query: str, size: int, page_token: str) -> Found:
        """A page of what fits `query` best among what meets the filters.

        Later pages leave out what came after the first. Raises InvalidArgument (BAD_PAGE_TOKEN).
        """
        binding = ("search", query, sorted((name, str(value)) for name, value in filters.items()))
        newest, start, with_meaning = self._open(page_token, binding)
        meaning = asyncio.create_task(self._meanings.of(query)) if with_meaning and says_something(query) else None
        try:
            async with self._database.transaction() as connection:
                await search.careful(connection)
                terms = terms_of(query)
                asked = Search(
                    text=" ".join(term.text for term in terms if not term.negated),
                    words=await search_query.understand(connection, terms),
                    filters=filters,
                    newest=await search.newest(connection) if newest is None else newest,
                    scope=await search.scope(connection, filters),
                )
                sources = await _by_text(connection, asked, query)
                embedded = await meaning if meaning else None
                if embedded:
                    sources["meaning"] = await search.by_meaning(
                        connection, asked, embedded.embeddings[0], embedded.encoder_version
                    )
                ranked = fuse(sources)
                page = ranked[start : start + size]
                items = await _shown(connection, asked, sources, page)
                total = len(ranked)
                capped = len(ranked) >= MOST_RANKED or len(sources.get("words", ())) >= MOST
                if capped:
                    total = max(total + 1, await search.estimate(connection, asked))
        finally:
            if meaning:
                meaning.cancel()
        used = embedded is not None

        def seal(offset: int) -> str:
            return self._tokens.seal(_POSITION.pack(asked.newest, offset, used), *binding)

        return Found(
            items=items,
            next_page_token=seal(start + size) if start + size < len(ranked) else "",
            previous_page_token=seal(max(0, start - size)) if start else "",
            total=total,
            total_is_estimate=capped,
            meaning="" if meaning is None else "used" if used else "unavailable",
        )

    async def similar(self, id_: UUID, size: int, principal: Principal) -> list[SimilarRecord]:
        """Resolved inquiries that mean nearly the same; none while this one is not embedded.

        Raises PermissionDenied, NotFound and InvalidArgument.
        """
        require_staff(principal)
        limit = page_size(size, default=DEFAULT_SIMILAR, largest=MOST_SIMILAR)
        async with self._database.transaction() as connection:
            found = await findings.embedding_of(connection, id_)
            if found is None:
                raise NotFound("There is no such inquiry.")
            embedding, encoder_version = found
            if embedding is None or encoder_version is None:
                return []
            await search.careful(connection)
            return await findings.similar(connection, id_, embedding, encoder_version, limit)

    def _open(self, token: str, binding: tuple[Any, ...]) -> tuple[int | None, int, bool]:
        if not token:
            return None, 0, True
        newest, start, with_meaning = _POSITION.unpack(self._tokens.open(token, *binding))
        return newest, start, bool(with_meaning)


def terms_of(query: str) -> list[Term]:
    """The words, "phrases" and -exclusions of a query as people write it; pure."""
    found: list[Term] = []
    for minus, quoted, word in _TERM.findall(query):
        written = (quoted or word).strip()
        if written:
            found.append(Term(written, negated=bool(minus), quoted=bool(quoted)))
    return found[:MOST_TERMS]


def says_something(query: str) -> bool:
    """Whether a query has a meaning beside its letters: references, numbers and addresses have none; pure."""
    return bool(_MEANINGFUL.search(query)) and "@" not in query and number_of(query) is None


def fuse(sources: Sources) -> list[UUID]:
    """What the sources have found, best first: what several find, or one finds first, comes before the rest; pure."""
    scores: defaultdict[Candidate, float] = defaultdict(float)
    known: dict[UUID, Candidate] = {}
    for source, candidates in sources.items():
        for rank, candidate in enumerate(candidates):
            scores[known.setdefault(candidate.id, candidate)] += WEIGHTS[source] / (SMOOTHING + rank)
    best = sorted(scores, key=lambda candidate: (-scores[candidate], -candidate.number))
    return [candidate.id for candidate in best[:MOST_RANKED]]


async def _by_text(connection: Connection, asked: Search, query: str) -> dict[str, Sequence[Candidate]]:
    """What is found without understanding it."""
    referred = await search.by_reference(connection, asked, number_of(query))
    if referred:
        return {"reference": referred}
    words = await search.by_words(connection, asked)
    long_enough = len(asked.text) >= SHORTEST_NAME
    may_be_name = long_enough and len(asked.text.split()) <= MOST_WORDS_OF_NAME
    return {
        "words": words,
        # Typos are looked for where nothing is written like this: it costs more than all the rest.
        "name": await search.by_name(connection, asked) if may_be_name and not words else [],
        "category": await search.by_category(connection, asked, text.containing(query)) if long_enough else [],
    }


async def _shown(connection: Connection, asked: Search, sources: Sources, ids: Sequence[UUID]) -> list[InquiryRecord]:
    """The rows of a page in its order, with their reasons; without what was erased while they were looked for."""
    rows = await findings.rows(connection, ids)
    by_words = {candidate.id for candidate in sources.get("words", ())}
    held = [id_ for id_ in ids if id_ in by_words]
    reasons = await findings.reasons(connection, held, asked.words) if asked.words and held else {}
    found = {name: {one.id: one.similarity for one in candidates} for name, candidates in sources.items()}
    return [
        msgspec.structs.replace(row, matches=tuple(matches_of(row, found, reasons.get(row.id))))
        for row in map(rows.get, ids)
        if row
    ]


def matches_of(
    row: InquiryRecord, found_by: Mapping[str, Mapping[UUID, float | None]], reasons: Reasons | None
) -> list[Match]:
    """Why an inquiry was found, the most telling reason first; pure."""
    similarities = {source: ids[row.id] for source, ids in found_by.items() if row.id in ids}
    found: list[Match] = []
    if "reference" in similarities:
        found.append(Match("reference", reference(row.number)))
    if reasons:
        parts = (("name", reasons.name), ("email", reasons.email), ("subject", reasons.subject), ("text", reasons.text))
        found += [Match(kind, part) for kind, part in parts if part]
    if "name" in similarities and not any(match.kind in {"name", "email"} for match in found):
        found.append(Match("name", row.customer_name[: text.SNIPPET_LENGTH], similarities["name"]))
    if "meaning" in similarities:
        found.append(Match("meaning", "", similarities["meaning"]))
    if "category" in similarities:
        found.append(Match("category"))
    return found or [Match("text")]
