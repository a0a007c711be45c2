"""Searches read large tables along their indexes only, whatever is looked for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
import pytest

from inquiry_service.domain.meaning import Meanings
from inquiry_service.domain.page_tokens import PageTokens
from inquiry_service.domain.searching import Searching
from inquiry_service.storage import search_index
from inquiry_service.storage.database import Connection, Database, Row, Statement
from inquiry_service.storage.records import Embedded
from runtime.rpc.context import Principal
from runtime.settings import Secret
from tests.support.embeddings import embedding
from tests.support.servers import PostgresServer

LARGE = {
    *("inquiry", "message", "event", "inquiry_tag"),
    *("inquiry_search", "inquiry_meaning", "inquiry_embedding"),
}
FILL = """
with new as (
    insert into inquiry (customer_name, customer_email, subject, snippet, language, status, category, tags)
    select 'Ana ' || md5(n || ''), md5(n || '') || '@example.com', 'pedido ' || md5(n || ''), 's',
        (array['es', 'en'])[1 + n % 2], (array['open', 'resolved'])[1 + n % 2], 'general_other', array['vip']
    from generate_series(1, 3000) n returning id
), said as (
    insert into message (inquiry_id, number, author, kind, body)
    select id, 1, 'customer', 'message', 'reembolso ' || md5(cast(id as text)) from new
), tagged as (
    insert into inquiry_tag (tag, inquiry_id) select 'vip', id from new
)
insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
select id, 'test', cast((
    select array_agg(cast(sin(place * seed) as real)) from generate_series(1, 512) place) as halfvec)
from (select id, hashtext(cast(id as text)) / 1e6 as seed from new) seeded returning inquiry_id
"""


class Explained(Connection):
    """Runs what it is asked, and keeps how."""

    def __init__(self, connection: Connection, plans: list[dict[str, Any]]) -> None:
        self._asked = connection
        self._plans = plans

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        if not statement.sql.startswith("explain"):
            plan = Statement("select 1")
            plan.sql = f"explain (format json) {statement.sql}"
            plan._names, plan._fixed = statement._names, statement._fixed
            (row,) = await self._asked.fetch(plan, **values)
            self._plans.append(msgspec.json.decode(row["QUERY PLAN"])[0]["Plan"])
        return await self._asked.fetch(statement, **values)

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        return next(iter(await self.fetch(statement, **values)), None)


class Watched(Database):
    """A database whose transactions keep the plans of what is asked in them."""

    def __init__(self, url: str) -> None:
        super().__init__(url, 2)
        self.plans: list[dict[str, Any]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield Explained(connection, self.plans)

    def scanned(self) -> set[str]:
        """The tables that were read from one end to the other."""
        return {node["Relation Name"] for plan in self.plans for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.fixture(scope="module")
async def filled(postgres: PostgresServer) -> AsyncIterator[Watched]:
    url = await postgres.migrated()
    connection = await asyncpg.connect(postgres.as_owner(url))
    # Numbers high enough that the newest blocks are looked at one after the other.
    await connection.execute("alter table inquiry alter column number restart with 500000")
    ids = [row["inquiry_id"] for row in await connection.fetch(FILL)]
    await connection.execute(search_index.REFRESH.sql, ids)
    await connection.execute("analyze")
    await connection.close()
    database = Watched(url)
    await database.open()
    yield database
    await database.close()
    await postgres.drop(url)


@pytest.fixture
def database(filled: Watched) -> Watched:
    """The database, of which nothing has been asked yet."""
    filled.plans.clear()
    return filled


@pytest.fixture
def searching(database: Watched) -> Searching:
    async def embed(texts: object, *, timeout: float) -> Embedded:
        return Embedded([embedding(1, -1, 2)], "test")

    return Searching(database, PageTokens(Secret("k" * 32)), Meanings(cast(Any, embed)))


FILTERS: list[dict[str, Any]] = [
    {},
    {"status": ["open"]},
    {"status": ["open", "pending"], "language": ["es"], "tag": ["vip"]},
    {"category": ["general_other"], "sentiment": ["negative"]},
    {"assignee_id": [None]},
]


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize(
    "query", ["pedido", "pedi", "reembolso -factura", "xilófono", "Ana", "Annna", "pok-500044", "a@b.example", "vip"]
)
async def test_no_search_scans_a_large_table(
    database: Watched, searching: Searching, query: str, filters: dict[str, Any]
) -> None:
    await searching.search(filters, query, 20, "")
    assert len(database.plans) >= 5
    assert not database.scanned() & LARGE


async def test_planning_a_search_compares_it_with_no_sampled_names(database: Watched) -> None:
    sampled = Statement("select attname from pg_stats where tablename = 'inquiry_search'")
    async with Database.transaction(database) as connection:
        columns = {row["attname"] for row in await connection.fetch(sampled)}
    assert "number" in columns
    assert "identity" not in columns


async def test_what_is_older_than_the_newest_that_meet_the_filters_is_found(
    database: Watched, searching: Searching
) -> None:
    async with Database.transaction(database) as connection:
        row = await connection.row(
            Statement("select number, subject from inquiry where status = 'open' order by number limit 1")
        )
    assert row
    found = await searching.search({"status": ["open"]}, row["subject"].split()[1], 20, "")
    assert row["number"] in [item.number for item in found.items]


async def test_where_few_meet_the_filters_nothing_else_is_looked_through(
    database: Watched, searching: Searching
) -> None:
    await searching.search({"status": ["open"], "sentiment": ["negative"]}, "pedido", 20, "")
    indexes = {node["Index Name"] for plan in database.plans for node in nodes(plan) if "Index Name" in node}
    assert not indexes & {"ix_inquiry_search_document_identity", "ix_inquiry_meaning_bits"}


async def test_look_alikes_are_found_without_a_scan(database: Watched, searching: Searching) -> None:
    async with Database.transaction(database) as connection:
        row = await connection.row(Statement("select id from inquiry limit 1"))
    assert row
    await searching.similar(cast(UUID, row["id"]), 5, Principal("support", ""))
    assert len(database.plans) > 1
    assert not database.scanned() & LARGE
