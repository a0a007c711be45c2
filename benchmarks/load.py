"""Fills an installation with inquiries of Spanish and English customers, with their history, fit for measuring.

    .venv/bin/python -m benchmarks.load DATABASE_URL COUNT

The database has been migrated and is nobody's in earnest; the URL names the owner of its tables. It goes on where it
was broken off: what is loaded up to COUNT stays as it is. Texts and people are made up from `vocabulary.toml`. The
embeddings of what customers want are the real encoder's, those of single inquiries lie around them.

The indexes of search are dropped while it loads and built at the end, and the search projection takes all of it as
read. Statistics are not: the service makes them from the event log when it runs.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ai_service.embedded.encoder import VERSION
from ai_service.embedded.encoding import load_model
from benchmarks.texts import Writer, Written
from inquiry_service.storage.database import prepare
from inquiry_service.storage.search_index import REFRESH

BATCH = 2_000
SPREAD = 0.35
"""Length of what is added to an embedding of length 1: two inquiries about the same are alike by about 0.9."""

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
INTERVAL = timedelta(seconds=55)
"""Between two inquiries: a million take 21 months."""

AGENTS = 20
BUILD_MEMORY = "2GB"

STAGE = """
create temp table if not exists loading (
    id uuid, external_id text, name text, email text, subject text, message text, reply text, note text,
    language text, category text, status text, sentiment text, priority text, tags text[], assignee uuid,
    confidence float8, create_time timestamptz, reply_time timestamptz, resolve_time timestamptz, embedding halfvec(512)
)
"""
# Rows and events as the service would have left them, each inquiry with the same life as its status tells.
DISTRIBUTE = """
with fresh as (
    insert into inquiry (id, external_id, customer_name, customer_email, subject, snippet, status, triage_state,
        category, category_confidence, sentiment, sentiment_score, priority, language, assignee_id, tags, version,
        create_time, update_time, first_response_time, resolve_time)
    select id, external_id, name, email, subject, left(message, 200), status, 'done', category, confidence, sentiment,
        case sentiment when 'negative' then -0.6 when 'positive' then 0.6 else 0 end, priority, language, assignee,
        tags, 3 + (reply <> '')::int + (note <> '')::int + (status <> 'new')::int, create_time,
        coalesce(resolve_time, reply_time, create_time + interval '2 seconds'), reply_time, resolve_time
    from loading order by id
), said as (
    insert into message (inquiry_id, number, author, kind, account_id, body, channel, create_time)
    select id, 1, 'customer', 'message', null, message, 'web', create_time from loading
    union all select id, 2, 'agent', 'reply', assignee, reply, 'desk', reply_time from loading where reply <> ''
    union all select id, 3, 'agent', 'note', assignee, note, 'desk', create_time + interval '1 hour' from loading
        where note <> ''
), tagged as (
    insert into inquiry_tag (tag, inquiry_id) select unnest(tags), id from loading
), job as (
    insert into triage_job (inquiry_id, state, claim, claimed_revision, run_after)
    select id, 'idle', 1, 1, create_time from loading
), meaning as (
    insert into inquiry_embedding (inquiry_id, encoder_version, embedding)
    select id, $1, embedding from loading
)
insert into event (inquiry_id, version, kind, actor, actor_id, body, create_time)
select * from (
    select id, 1, 'inquiry_created', 'customer', null::uuid, '{}'::jsonb, create_time from loading
    union all select id, 2, 'triage_started', 'system', null,
        '{"claim": 1, "changes": {"triage_state": ["queued", "running"]}}', create_time + interval '1 second'
        from loading
    union all select id, 3, 'triage_completed', 'ai', null, jsonb_build_object('claim', 1, 'model',
        'embedded/benchmark', 'changes', jsonb_build_object('triage_state', '["running", "done"]'::jsonb,
        'category', jsonb_build_array(null, category), 'sentiment', jsonb_build_array(null, sentiment))),
        create_time + interval '2 seconds' from loading
    union all select id, 4, 'message_created', 'agent', assignee,
        '{"message_number": 2, "kind": "reply", "changes": {}}', reply_time from loading where reply <> ''
    union all select id, 4 + (reply <> '')::int, 'message_created', 'agent', assignee,
        '{"message_number": 3, "kind": "note", "changes": {}}', create_time + interval '1 hour' from loading
        where note <> ''
    union all select id, 4 + (reply <> '')::int + (note <> '')::int, 'inquiry_updated', 'agent', assignee,
        jsonb_build_object('changes', jsonb_build_object('status', jsonb_build_array('new', status))),
        coalesce(resolve_time, reply_time, create_time + interval '1 hour') from loading where status <> 'new'
) life order by 1, 2
"""
INDEXES = """select indexname, indexdef from pg_indexes where tablename in ('inquiry_search', 'inquiry_meaning')
    and indexdef not like '%UNIQUE%'"""
KEPT = "create table if not exists unbuilt_index (indexname text primary key, indexdef text not null)"
READ = """insert into projection (name, era, txid, number)
select 'search', era, txid, number from event order by era desc, txid desc, number desc limit 1
on conflict (name) do update set era = excluded.era, txid = excluded.txid, number = excluded.number"""


class Loader:
    """Loads batch by batch, each in a transaction of its own."""

    def __init__(self, connection: asyncpg.Connection, count: int) -> None:
        self._connection = connection
        self._count = count
        self._writer = Writer()

    async def run(self) -> None:
        """Load what is missing, then build the indexes."""
        done = await self._done()
        if done < self._count:
            await self._unbuild()
            await self._connection.execute(STAGE)
            meanings = embedded([core.text for core in self._writer.cores])
            await self._load(done, meanings)
        await self._build()
        await self._connection.execute(READ)

    async def _done(self) -> int:
        newest = await self._connection.fetchval(
            "select external_id from inquiry where external_id like 'load-%' order by number desc limit 1"
        )
        return int(newest.removeprefix("load-")) + 1 if newest else 0

    async def _load(self, done: int, meanings: NDArray[np.float32]) -> None:
        began, start = time.perf_counter(), done
        agents = await self._agents()
        while done < self._count:
            numbers = range(done, min(done + BATCH, self._count))
            written = [self._writer.inquiry(number) for number in numbers]
            noise = np.random.default_rng(done).standard_normal((len(numbers), meanings.shape[1]), np.float32)
            noise *= SPREAD / np.linalg.norm(noise, axis=1, keepdims=True)
            rows = meanings[[one.core for one in written]] + noise
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            records = [
                self._record(number, one, row, agents)
                for number, one, row in zip(numbers, written, rows.astype("<f2"), strict=True)
            ]
            async with self._connection.transaction():
                await self._connection.execute("truncate loading")
                await self._connection.copy_records_to_table("loading", records=records)
                await self._connection.execute(DISTRIBUTE, VERSION)
                await self._connection.execute(REFRESH.sql, [record[0] for record in records])
            done = numbers.stop
            rate = (done - start) / (time.perf_counter() - began)
            print(f"\r{done:>10,} inquiries, {rate:,.0f} a second", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def _record(self, number: int, one: Written, row: NDArray[np.float16], agents: list[Any]) -> tuple[Any, ...]:
        created = FIRST + INTERVAL * number
        replied = created + timedelta(minutes=5 + number * 7919 % 2880) if one.reply else None
        finished = one.status in {"resolved", "closed"}
        return (
            uuid7(created, number),
            f"load-{number}",
            *(one.name, one.email, one.subject, one.message, one.reply, one.note, one.language, one.category),
            *(one.status, one.sentiment, one.priority, one.tags),
            agents[one.agent] if one.agent >= 0 and one.status != "new" else None,
            *(one.confidence, created, replied),
            (replied or created) + timedelta(hours=3) if finished else None,
            row.tobytes(),
        )

    async def _agents(self) -> list[Any]:
        rows = await self._connection.fetch(
            """insert into account (email, name, password_hash, role)
            select 'agent' || n || '@load.example', 'Agent ' || n, '', 'support' from generate_series(1, $1::int) n
            on conflict (email) do update set name = excluded.name returning id""",
            AGENTS,
        )
        return [row["id"] for row in rows]

    async def _unbuild(self) -> None:
        await self._connection.execute(KEPT)
        await self._connection.execute(f"insert into unbuilt_index {INDEXES} on conflict do nothing")
        for row in await self._connection.fetch(INDEXES):
            await self._connection.execute(f"drop index {row['indexname']}")

    async def _build(self) -> None:
        await self._connection.execute(KEPT)
        await self._connection.execute(f"set maintenance_work_mem = '{BUILD_MEMORY}'")
        for row in await self._connection.fetch("select * from unbuilt_index order by indexname"):
            began = time.perf_counter()
            await self._connection.execute(row["indexdef"].replace("INDEX", "INDEX IF NOT EXISTS", 1))
            print(f"{row['indexname']} built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        await self._connection.execute("drop table unbuilt_index")
        await self._connection.execute("vacuum (analyze)")


def embedded(texts: list[str]) -> NDArray[np.float32]:
    """Their embeddings."""
    model = load_model()
    return np.concatenate([model.encode(texts[start : start + 32]) for start in range(0, len(texts), 32)])


def uuid7(created: datetime, number: int) -> str:
    """The id that an inquiry of that time gets; always the same for the same number."""
    milliseconds = int(created.timestamp() * 1000)
    value = milliseconds << 80 | 7 << 76 | number % 4096 << 64 | 2 << 62 | number * 0x9E3779B97F4A7C15 % (1 << 62)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


async def main(url: str, count: int) -> None:
    """Load."""
    connection = await asyncpg.connect(url, statement_cache_size=50)
    try:
        await prepare(connection)
        await Loader(connection, count).run()
    finally:
        await connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.load DATABASE_URL COUNT")
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
