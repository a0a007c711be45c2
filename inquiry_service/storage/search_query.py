"""What somebody looks for as PostgreSQL's text search takes it: each word in the stems of every language."""

import re
from collections.abc import Sequence

import msgspec

from inquiry_service.storage.database import Connection, Statement
from inquiry_service.storage.search_index import LANGUAGES

SHORTEST_PREFIX = 2

_CONFIGURATIONS = [f"'pok_{name}'" for name in ("simple", *LANGUAGES)]
_STEMS = " || ".join(f"phraseto_tsquery({name}, term)" for name in _CONFIGURATIONS)
_EMPTY = " or ".join(f"numnode(phraseto_tsquery({name}, term)) = 0" for name in _CONFIGURATIONS[1:])
# A word is a stop word where one language calls it so: in documents of the others it says no more.
_UNDERSTAND = Statement(
    f"""select cast(phraseto_tsquery('pok_simple', term) as text) as plain, cast({_STEMS} as text) as stems,
        {_EMPTY} as common
    from unnest(cast(:terms as text[])) with ordinality as asked (term, place) order by place"""
)
_ENDS = re.compile(r"'(:\*)?(?=[ )]|$)")


class Term(msgspec.Struct, frozen=True):
    """A word or, quoted, words in their order; negated, it must not be there."""

    text: str
    negated: bool = False
    quoted: bool = False


class WordQuery(msgspec.Struct, frozen=True):
    """As tsqueries: `exact` asks for whole words, `prefix` takes the last as the beginning of one, where it may be.

    `any_word` is for finding where in a text it is that a word occurs.
    """

    exact: str
    prefix: str | None
    any_word: str

    @property
    def wanted(self) -> str:
        """The wider of the two."""
        return self.prefix or self.exact

    def any_in(self, weights: str) -> str:
        """Any of the words in parts of a document that have these weights."""
        return _ENDS.sub(lambda end: f"':{'*' if end[1] else ''}{weights}", self.any_word)


def _different(stems: str) -> str:
    """Each stem once: many languages have the same, and an index looks each of them up for each candidate."""
    return " | ".join(dict.fromkeys(stems.split(" | ")))


async def understand(connection: Connection, terms: Sequence[Term]) -> WordQuery | None:
    """The query for documents that hold all the terms; None where there is nothing to look for."""
    rows = await connection.fetch(_UNDERSTAND, terms=[term.text for term in terms])
    words = [{**row, "stems": _different(row["stems"])} for row in rows]
    asked = [(term, row) for term, row in zip(terms, words, strict=True) if row["stems"]]
    wanted = [(term, row) for term, row in asked if not term.negated]
    telling = [(term, row) for term, row in wanted if term.quoted or not row["common"]] or wanted
    if not telling:
        return None
    without = "".join(f" & !({row['stems']})" for term, row in asked if term.negated)
    exact = [f"({row['stems']})" for _, row in telling]
    last, row = wanted[-1]
    begun = f"({row['stems']} | {row['plain']}:*)"
    prefixed = last is terms[-1] and not last.quoted and len(last.text) >= SHORTEST_PREFIX and bool(row["plain"])
    if not prefixed:
        return WordQuery(" & ".join(exact) + without, None, " | ".join(exact))
    before = [f"({row['stems']})" for term, row in telling if term is not last]
    return WordQuery(" & ".join(exact) + without, " & ".join([*before, begun]) + without, " | ".join([*before, begun]))
