"""Candidates for what somebody looks for, from several sources, and why each was found.

No source reads more of a large table than of a small one: each looks at the newest that match and no further than it
has to, and says nothing of the rest. So a common word costs what a rare one does.
"""

from typing import Any
from uuid import UUID

import msgspec

from inquiry_service.storage import search_statements as statements
from inquiry_service.storage.database import Connection, Statement
from inquiry_service.storage.filters import Filters, prepared
from inquiry_service.storage.records import Candidate
from inquiry_service.storage.search_index import BLOCK_BITS
from inquiry_service.storage.search_query import WordQuery
from inquiry_service.storage.search_statements import LOOKED_THROUGH, Reach

MOST_BLOCKS = 2
"""A window of two blocks is no use where there are hardly more of them."""

# The planner may neither read a whole table nor forget the values: which plan is cheap depends on the word. Of what is
# near in meaning, 1,000 are held against the filters at most; the newest that meet them are looked through in any case.
_CAREFUL = Statement(
    """select set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true),
    set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
    set_config('hnsw.max_scan_tuples', '1000', true), set_config('pg_trgm.word_similarity_threshold', '0.45', true)"""
)
_NEWEST = Statement("select number from inquiry order by number desc limit 1")


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One search: inquiries numbered after `newest` are not in it, so that its pages stay what they are.

    `scope` is the newest that meet the filters; None without filters.
    """

    text: str
    words: WordQuery | None
    filters: Filters
    newest: int
    scope: list[UUID] | None

    @property
    def reach(self) -> Reach:
        """Where its candidates are to be looked for."""
        if self.scope is None:
            return "everywhere"
        return "scope" if len(self.scope) < LOOKED_THROUGH else "beyond scope"


async def careful(connection: Connection) -> None:
    """Plan the rest of this transaction for searching."""
    await connection.row(_CAREFUL)


async def newest(connection: Connection) -> int:
    """The number of the newest inquiry; 0 where there is none."""
    row = await connection.row(_NEWEST)
    return row["number"] if row else 0


async def scope(connection: Connection, filters: Filters) -> list[UUID] | None:
    """The newest LOOKED_THROUGH that meet the filters; None where there are no filters."""
    shape, values = prepared(filters)
    if not shape:
        return None
    return [row["id"] for row in await connection.fetch(statements.scope(shape), **values)]


async def by_reference(connection: Connection, search: Search, number: int | None) -> list[Candidate]:
    """The inquiry with this number or external id."""
    return await _candidates(connection, statements.by_reference, search, number=number)


async def by_category(connection: Connection, search: Search, pattern: str) -> list[Candidate]:
    """The newest of categories whose key or name is LIKE `pattern`."""
    return await _candidates(connection, statements.by_category, search, pattern=pattern)


async def by_words(connection: Connection, search: Search) -> list[Candidate]:
    """What holds the words, best first; the newest MOST where more do."""
    words = search.words
    if words is None:
        return []
    asked = {"exact": words.exact, "prefix": words.prefix, "wanted": words.wanted, "scope": search.scope}
    windows = _windows(search.newest)
    shape, values = prepared(search.filters)
    statement = statements.by_words(shape, search.reach, len(windows) // 2, words.prefix is not None)
    rows = await connection.fetch(statement, **values, **windows, **asked, newest=search.newest)
    return [Candidate(row["id"], row["number"]) for row in rows]


async def by_name(connection: Connection, search: Search) -> list[Candidate]:
    """Whose sender's name, address or reference is written nearly like it, closest first."""
    windows = _windows(search.newest)
    shape, values = prepared(search.filters)
    statement = statements.by_name(shape, search.reach, len(windows) // 2)
    asked = {"text": search.text, "scope": search.scope}
    rows = await connection.fetch(statement, **values, **windows, **asked, newest=search.newest)
    return [Candidate(row["id"], row["number"], row["similarity"]) for row in rows]


async def by_meaning(connection: Connection, search: Search, embedding: bytes, encoder_version: str) -> list[Candidate]:
    """What means nearly the same, closest first."""
    shape, values = prepared(search.filters)
    asked = {"embedding": embedding, "encoder_version": encoder_version, "scope": search.scope}
    rows = await connection.fetch(statements.by_meaning(shape, search.reach), **values, **asked, newest=search.newest)
    return [Candidate(row["id"], row["number"], row["similarity"]) for row in rows]


async def estimate(connection: Connection, search: Search) -> int:
    """About how many hold the words, as the planner counts."""
    shape, values = prepared(search.filters)
    wanted = search.words.wanted if search.words else ""
    row = await connection.row(statements.estimate(shape), **values, wanted=wanted)
    plan = msgspec.json.decode(row["QUERY PLAN"]) if row else [{"Plan": {"Plan Rows": 0}}]
    return int(plan[0]["Plan"]["Plan Rows"])


async def _candidates(connection: Connection, statement: Any, search: Search, **more: Any) -> list[Candidate]:
    shape, values = prepared(search.filters)
    rows = await connection.fetch(statement(shape), **values, **more, text=search.text, newest=search.newest)
    return [Candidate(row["id"], row["number"], row["similarity"]) for row in rows]


def _windows(newest: int) -> dict[str, Any]:
    """The newest two blocks of each size as a query, and the lowest number in them, short of what holds everything."""
    windows: dict[str, Any] = {}
    for place, bits in enumerate(BLOCK_BITS):
        block = newest >> bits
        if block < MOST_BLOCKS:
            break
        windows[f"blocks_{place}"] = f"'#{bits}:{block}' | '#{bits}:{block - 1}'"
        windows[f"floor_{place}"] = (block - 1) << bits
    return windows
