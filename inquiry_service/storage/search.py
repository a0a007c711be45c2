"""Candidates for what somebody looks for, from several sources, and why each was found.

No source reads more of a large table than of a small one: each looks at the newest that match and no further than it
has to, and says nothing of the rest. So a common word costs what a rare one does.
"""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Select, select

from inquiry_service.storage.database import Connection, Statement
from inquiry_service.storage.filters import Filters, Shape, prepared, walks
from inquiry_service.storage.records import Candidate
from inquiry_service.storage.search_index import BLOCK_BITS
from inquiry_service.storage.search_query import WordQuery

MOST = 200
"""Candidates of one source."""

FEW = 50
MOST_BLOCKS = 2
"""A window of two blocks is no use where there are hardly more of them."""

MOST_OF_WINDOW = 2_000
LOOKED_THROUGH = 500
"""With filters, the newest that meet them are looked through one by one, since few may be among what the words alone
find; and of what the words alone find in a window, no more are held against the filters."""

NEAREST = 200
LEAST_SIMILARITY = 0.28
"""Cosine between a few words and a message, below which they have no more in common than any two. Measured: 0.29 to
0.61 where they meant the same, in two languages, and below 0.28 where they did not."""

MOST_STATEMENTS = 500

# The planner may neither read a whole table nor forget the values: which plan is cheap depends on the word.
_CAREFUL = Statement(
    """select set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true),
    set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
    set_config('hnsw.max_scan_tuples', '5000', true), set_config('pg_trgm.word_similarity_threshold', '0.45', true)"""
)
_NEWEST = Statement("select number from inquiry order by number desc limit 1")
_BITS = "cast(binary_quantize(cast(:embedding as halfvec)) as bit(512))"


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One search: inquiries numbered after `newest` are not in it, so that its pages stay what they are."""

    text: str
    words: WordQuery | None
    filters: Filters
    newest: int


async def careful(connection: Connection) -> None:
    """Plan the rest of this transaction for searching."""
    await connection.row(_CAREFUL)


async def newest(connection: Connection) -> int:
    """The number of the newest inquiry; 0 where there is none."""
    row = await connection.row(_NEWEST)
    return row["number"] if row else 0


async def by_reference(connection: Connection, search: Search, number: int | None) -> list[Candidate]:
    """The inquiry with this number or external id."""
    return await _candidates(connection, _by_reference, search, number=number)


async def by_category(connection: Connection, search: Search, pattern: str) -> list[Candidate]:
    """The newest of categories whose key or name is LIKE `pattern`."""
    return await _candidates(connection, _by_category, search, pattern=pattern)


async def by_words(connection: Connection, search: Search) -> list[Candidate]:
    """What holds the words, best first; the newest MOST where more do."""
    words = search.words
    if words is None:
        return []
    asked = {"exact": words.exact, "prefix": words.prefix, "wanted": words.wanted}
    windows = _windows(search.newest)
    shape, values = prepared(search.filters)
    statement = _by_words(shape, len(windows) // 2, words.prefix is not None)
    rows = await connection.fetch(statement, **values, **windows, **asked, newest=search.newest)
    return [Candidate(row["id"], row["number"]) for row in rows]


async def by_name(connection: Connection, search: Search) -> list[Candidate]:
    """Whose sender's name, address or reference is written nearly like it, closest first."""
    windows = _windows(search.newest)
    shape, values = prepared(search.filters)
    statement = _by_name(shape, len(windows) // 2)
    rows = await connection.fetch(statement, **values, **windows, text=search.text, newest=search.newest)
    return [Candidate(row["id"], row["number"], row["similarity"]) for row in rows]


async def by_meaning(connection: Connection, search: Search, embedding: bytes, encoder_version: str) -> list[Candidate]:
    """What means nearly the same, closest first."""
    return await _candidates(connection, _by_meaning, search, embedding=embedding, encoder_version=encoder_version)


async def estimate(connection: Connection, search: Search) -> int:
    """About how many hold the words, as the planner counts."""
    shape, values = prepared(search.filters)
    wanted = search.words.wanted if search.words else ""
    row = await connection.row(_estimate(shape), **values, wanted=wanted)
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


def _window_by_window(shape: Shape, windows: int, holding: str, columns: str, *, in_newest: str = "") -> str:
    """The newest window first, then what is older, until there are MOST: the executor does not start what it need not.

    `in_newest` is to hold instead in the newest window, whose few rows may well be read.
    """
    found: list[str] = []
    for place in range(windows + 1):
        holds = in_newest if in_newest and place == 0 < windows else holding
        within = f"and document @@ cast(:blocks_{place} as tsquery)" if place < windows else ""
        below = f"and number < :floor_{place - 1}" if place else ""
        # The newest window is small whatever is looked for. The others were entered because it is not common.
        limit = f"limit {LOOKED_THROUGH if shape else MOST_OF_WINDOW}" if place else ""
        found.append(
            f"""(select * from (
                select inquiry_id, number, {columns} from inquiry_search
                where {holds} {within} {below} and number <= :newest {limit}
            ) s where {_holds(shape, "s.inquiry_id")} order by number desc)"""
        )
    return f"(select * from ({' union all '.join(found)}) windows limit {MOST})"


@lru_cache(MOST_STATEMENTS)
def _by_reference(shape: Shape) -> Statement:
    return Statement(
        f"""select id, number, cast(null as float8) as similarity from (
            select id, number from inquiry where number = cast(:number as bigint)
            union select id, number from inquiry where external_id = :text
        ) named where number <= :newest and {_holds(shape, "named.id")}"""
    )


@lru_cache(MOST_STATEMENTS)
def _by_category(shape: Shape) -> Statement:
    return Statement(
        f"""select newest.id, newest.number, cast(null as float8) as similarity
        from category c cross join lateral (
            select id, number from inquiry i where i.category = c.key and i.number <= :newest
                and {_holds(shape, "i.id")}
            order by id desc limit {MOST // 4}
        ) newest
        where c.key ilike :pattern or c.name_es ilike :pattern or c.name_en ilike :pattern
        order by newest.number desc limit {MOST // 4}"""
    )


@lru_cache(MOST_STATEMENTS)
def _by_words(shape: Shape, windows: int, prefixed: bool) -> Statement:
    exact, wanted = "document @@ cast(:exact as tsquery)", "document @@ cast(:wanted as tsquery)"
    found = ["select * from whole"]
    if prefixed:
        # An index puts together all words with a beginning before it looks at anything else. So only where whole words
        # are few; and the newest are read without it, since that is enough for what is common.
        few = f"(select count(*) from whole) < {FEW} and not {exact}"
        begun = f"document @@ cast(:prefix as tsquery) and {few}"
        read = f"ts_match_vq(document, cast(:prefix as tsquery)) and {few}"
        found.append(_window_by_window(shape, windows, begun, "document", in_newest=read))
    found += _among_looked_through(shape, wanted, "document")
    return Statement(
        f"""with whole as materialized {_window_by_window(shape, windows, exact, "document")}
        select id, number from (
            select distinct on (inquiry_id) inquiry_id as id, number,
                ts_rank('{{0.2, 0.4, 0.7, 1.0}}', document, cast(:wanted as tsquery)) as rank
            from ({" union all ".join(found)}) found order by inquiry_id
        ) ranked order by rank desc, number desc limit {MOST}"""
    )


@lru_cache(MOST_STATEMENTS)
def _by_name(shape: Shape, windows: int) -> Statement:
    folded = "lower(unaccent(cast(:text as text)))"
    alike = f"{folded} <% identity"
    found = [_window_by_window(shape, windows, alike, "identity"), *_among_looked_through(shape, alike, "identity")]
    return Statement(
        f"""select id, number, similarity from (
            select distinct inquiry_id as id, number,
                cast(word_similarity({folded}, identity) as float8) as similarity
            from ({" union all ".join(found)}) found
        ) measured order by similarity desc, number desc limit {MOST // 4}"""
    )


@lru_cache(MOST_STATEMENTS)
def _by_meaning(shape: Shape) -> Statement:
    near = f"""(select inquiry_id from inquiry_meaning m where {_holds(shape, "m.inquiry_id")}
        order by bits <~> {_BITS} limit {NEAREST})"""
    if shape:
        near += f" union (select id from {_looked_through(shape)} scope)"
    return Statement(
        f"""select id, number, similarity from (
            select i.id, i.number, 1 - (e.embedding <=> cast(:embedding as halfvec)) as similarity
            from ({near}) near join inquiry_embedding e on e.inquiry_id = near.inquiry_id
            join inquiry i on i.id = near.inquiry_id
            where e.encoder_version = :encoder_version and i.number <= :newest
        ) measured where similarity >= {LEAST_SIMILARITY}
        order by similarity desc, number desc limit {MOST // 2}"""
    )


@lru_cache(MOST_STATEMENTS)
def _estimate(shape: Shape) -> Statement:
    statement = Statement(
        f"""select from ({_named(_meeting(shape))}) meeting join inquiry_search s on s.inquiry_id = meeting.id
        where document @@ cast(:wanted as tsquery)"""
    )
    statement.sql = f"explain (format json) {statement.sql}"
    return statement


def _holds(shape: Shape, id_: str) -> str:
    """The filters on one inquiry; a scalar subquery, since as a join the planner might begin at its other end."""
    if not shape:
        return "true"
    return f"(select true from ({_named(_meeting(shape))}) meeting where meeting.id = {id_})"


def _among_looked_through(shape: Shape, holding: str, columns: str) -> list[str]:
    if not shape:
        return []
    return [
        f"""(select s.inquiry_id, s.number, {columns} from {_looked_through(shape)} scope
        join inquiry_search s on s.inquiry_id = scope.id where {holding} and number <= :newest limit {MOST})"""
    ]


def _looked_through(shape: Shape) -> str:
    return f"({_named(_meeting(shape))} order by id desc limit {LOOKED_THROUGH})"


def _meeting(shape: Shape) -> Select[Any]:
    walk = next(walks(shape, "staff", merged=False))
    return select(walk.id.label("id")).select_from(walk.source).where(*walk.conditions)


def _named(statement: Select[Any]) -> str:
    """As text with `:name` parameters, to be part of a larger one."""
    return str(statement.compile())
