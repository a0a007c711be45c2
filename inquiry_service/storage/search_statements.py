"""The statements of search, one for each shape of filters, reach, and number of windows.

`:scope` is the newest that meet the filters. `windows` is how many of `:blocks_N` and `:floor_N` there are: the newest
inquiries, from few to many, which are read before what is older.
"""

from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Select, select

from inquiry_service.storage.database import Statement
from inquiry_service.storage.filters import Shape, walks

MOST = 200
"""Candidates of one source."""

FEW = 50
MOST_OF_WINDOW = 2_000
LOOKED_THROUGH = 500
"""With filters, the newest that meet them are looked through one by one, since few may be among what the words alone
find; where no more meet them, that is all. Of what the words alone find in a window, no more are held against them."""

NEAREST = 200
LEAST_SIMILARITY = 0.28
"""Cosine between a few words and a message, below which they have no more in common than any two. Measured: 0.29 to
0.61 where they meant the same, in two languages, and below 0.28 where they did not."""

MOST_STATEMENTS = 500

_BITS = "cast(binary_quantize(cast(:embedding as halfvec)) as bit(512))"

Reach = Literal["everywhere", "scope", "beyond scope"]
"""Where candidates are looked for: without filters, among the few that meet them, among these and others."""


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
def by_reference(shape: Shape) -> Statement:
    """By number or external id."""
    return Statement(
        f"""select id, number, cast(null as float8) as similarity from (
            select id, number from inquiry where number = cast(:number as bigint)
            union select id, number from inquiry where external_id = :text
        ) named where number <= :newest and {_holds(shape, "named.id")}"""
    )


@lru_cache(MOST_STATEMENTS)
def by_category(shape: Shape) -> Statement:
    """The newest of categories whose key or name is LIKE `:pattern`."""
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
def scope(shape: Shape) -> Statement:
    """The newest that meet the filters."""
    return Statement(f"{_named(_meeting(shape))} order by id desc limit {LOOKED_THROUGH}")


@lru_cache(MOST_STATEMENTS)
def by_words(shape: Shape, reach: Reach, windows: int, prefixed: bool) -> Statement:
    """By words: whole ones, and where `prefixed` what begins with the last one."""
    exact, wanted = "document @@ cast(:exact as tsquery)", "document @@ cast(:wanted as tsquery)"
    found = [] if reach == "everywhere" else [_in_scope(wanted, "document")]
    whole = ""
    if reach != "scope":
        whole = f"with whole as materialized {_window_by_window(shape, windows, exact, 'document')}"
        found.append("select * from whole")
    if reach != "scope" and prefixed:
        # An index puts together all words with a beginning before it looks at anything else. So only where whole words
        # are few; and the newest are read without it, since that is enough for what is common.
        few = f"(select count(*) from whole) < {FEW}"
        if shape:  # whole words that do not meet the filters would all be read as well
            widest = f"and document @@ cast(:blocks_{windows - 1} as tsquery)" if windows else ""
            few += (
                f" and (select count(*) from (select from inquiry_search where {exact} {widest} limit {FEW}) w) < {FEW}"
            )
        begun = f"document @@ cast(:prefix as tsquery) and {few} and not {exact}"
        read = f"ts_match_vq(document, cast(:prefix as tsquery)) and {few} and not {exact}"
        found.append(_window_by_window(shape, windows, begun, "document", in_newest=read))
    return Statement(
        f"""{whole} select id, number from (
            select distinct on (inquiry_id) inquiry_id as id, number,
                ts_rank('{{0.2, 0.4, 0.7, 1.0}}', document, cast(:wanted as tsquery)) as rank
            from ({" union all ".join(found)}) found order by inquiry_id
        ) ranked order by rank desc, number desc limit {MOST}"""
    )


@lru_cache(MOST_STATEMENTS)
def by_name(shape: Shape, reach: Reach, windows: int) -> Statement:
    """By what is written nearly like it."""
    folded = "lower(unaccent(cast(:text as text)))"
    alike = f"{folded} <% identity"
    found = [] if reach == "everywhere" else [_in_scope(alike, "identity")]
    if reach != "scope":
        found.append(_window_by_window(shape, windows, alike, "identity"))
    return Statement(
        f"""select id, number, similarity from (
            select distinct inquiry_id as id, number,
                cast(word_similarity({folded}, identity) as float8) as similarity
            from ({" union all ".join(found)}) found
        ) measured order by similarity desc, number desc limit {MOST // 4}"""
    )


@lru_cache(MOST_STATEMENTS)
def by_meaning(shape: Shape, reach: Reach) -> Statement:
    """By what means nearly the same."""
    near = [] if reach == "everywhere" else ["select unnest(cast(:scope as uuid[])) as inquiry_id"]
    if reach != "scope":
        near.append(
            f"""(select inquiry_id from inquiry_meaning m where {_holds(shape, "m.inquiry_id")}
            order by bits <~> {_BITS} limit {NEAREST})"""
        )
    return Statement(
        f"""select id, number, similarity from (
            select i.id, i.number, 1 - (e.embedding <=> cast(:embedding as halfvec)) as similarity
            from ({" union ".join(near)}) near join inquiry_embedding e on e.inquiry_id = near.inquiry_id
            join inquiry i on i.id = near.inquiry_id
            where e.encoder_version = :encoder_version and i.number <= :newest
        ) measured where similarity >= {LEAST_SIMILARITY}
        order by similarity desc, number desc limit {MOST // 2}"""
    )


@lru_cache(MOST_STATEMENTS)
def estimate(shape: Shape) -> Statement:
    """How many hold the words, as the planner expects: its plan, not the rows."""
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


def _in_scope(holding: str, columns: str) -> str:
    return f"""(select inquiry_id, number, {columns} from inquiry_search
        where inquiry_id = any(cast(:scope as uuid[])) and {holding} and number <= :newest limit {MOST})"""


def _meeting(shape: Shape) -> Select[Any]:
    walk = next(walks(shape, "staff", merged=False))
    return select(walk.id.label("id")).select_from(walk.source).where(*walk.conditions)


def _named(statement: Select[Any]) -> str:
    """As text with `:name` parameters, to be part of a larger one."""
    return str(statement.compile())
