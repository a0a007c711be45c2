"""What the code of one version reads and writes, the next version's tables still have and take, as both run at once."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from inquiry_service.migrations import run
from tests.support.servers import PostgresServer

FIRST = "0004"
"""The schema from which on an inquiry has its whole life; what is older was in use nowhere."""

ALLOWED: Mapping[str, frozenset[str]] = {}
"""Revision → what it changes, as the test calls it, although the version before knew it; say beside it why it may."""

COLUMNS = """
select c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
    a.atthasdef or a.attidentity <> '' as filled
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
"""
# Checks, keys and references, and unique indexes that are no constraint, each with the columns that it concerns.
RULES = """
select r.conrelid::regclass || ': ' || pg_get_constraintdef(r.oid) as name, r.conrelid::regclass::text as table,
    array(select a.attname::text from pg_attribute a where a.attrelid = r.conrelid and a.attnum = any(r.conkey))
    as columns
from pg_constraint r where r.connamespace = 'public'::regnamespace and r.contype in ('c', 'u', 'f', 'p', 'x')
union all
select pg_get_indexdef(i.indexrelid), i.indrelid::regclass::text,
    array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey))
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indisunique and c.relnamespace = 'public'::regnamespace
    and not exists (select from pg_constraint r where r.conindid = i.indexrelid)
"""


class Column(NamedTuple):
    """`filled`: what is not written gets a value."""

    type: str
    required: bool
    filled: bool


class Schema(NamedTuple):
    """Columns by "table.column"; rules by their definition, with the columns that each concerns."""

    columns: Mapping[str, Column]
    rules: Mapping[str, frozenset[str]]

    @property
    def tables(self) -> set[str]:
        """Their names."""
        return {name.partition(".")[0] for name in self.columns}


async def schema(url: str) -> Schema:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        columns, rules = await connection.fetch(COLUMNS), await connection.fetch(RULES)
    finally:
        await connection.close()
    return Schema(
        {row["name"]: Column(row["type"], row["required"], row["filled"]) for row in columns},
        {row["name"]: frozenset(f"{row['table']}.{column}" for column in row["columns"]) for row in rules},
    )


def broken(before: Schema, after: Schema) -> set[str]:
    """What code that knows the schema of before would miss in that of after."""
    gone = {f"{name} is gone" for name in before.columns.keys() - after.columns.keys()}
    kept = [(name, before.columns[name], after.columns[name]) for name in before.columns.keys() & after.columns.keys()]
    other = {f"{name} has another type" for name, old, new in kept if old.type != new.type}
    other |= {f"{name} has become required" for name, old, new in kept if new.required and not old.required}
    other |= {f"{name} has lost its default" for name, old, new in kept if old.filled and not new.filled}
    added = {
        f"{name} is required and has no default"
        for name in after.columns.keys() - before.columns.keys()
        if name.partition(".")[0] in before.tables and after.columns[name].required and not after.columns[name].filled
    }
    rules = {
        f"a new rule: {rule}"
        for rule in after.rules.keys() - before.rules.keys()
        if after.rules[rule] & before.columns.keys()
    }
    return gone | other | added | rules


async def test_each_migration_leaves_the_code_of_the_version_before_running(postgres: PostgresServer) -> None:
    url = await postgres.empty()
    config = run.config(url)
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions(FIRST, "head")][::-1]
    await asyncio.to_thread(command.upgrade, config, FIRST)
    found, before = {}, await schema(url)
    for revision in revisions[1:]:
        await asyncio.to_thread(command.upgrade, config, revision)
        after = await schema(url)
        if wrong := broken(before, after):
            found[revision] = wrong
        before = after
    await postgres.drop(url)
    assert found == ALLOWED


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("message drop column body", "message.body is gone"),
        ("message alter number type bigint", "message.number has another type"),
        ("inquiry alter category set not null", "inquiry.category has become required"),
        ("inquiry alter status drop default", "inquiry.status has lost its default"),
        ("inquiry add new text not null", "inquiry.new is required and has no default"),
        ("inquiry add check (subject <> '')", "a new rule: inquiry: CHECK ((subject <> ''::text))"),
        ("inquiry add unique (subject)", "a new rule: inquiry: UNIQUE (subject)"),
        ("inquiry add new text", None),
        ("inquiry add new text not null default '' check (new <> 'x')", None),
    ],
)
async def test_change_that_old_code_would_miss_is_found(
    database_url: str, postgres: PostgresServer, change: str, what: str | None
) -> None:
    url = postgres.as_owner(database_url)
    before = await schema(url)
    owner = await asyncpg.connect(url, timeout=10)
    await owner.execute(f"alter table {change}", timeout=10)
    await owner.close()
    assert broken(before, await schema(url)) == ({what} if what else set())
