"""Queries on what the AI takes, per day in UTC."""

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement
from inquiry_service.storage.records import Usage

_ADD = Statement(
    """insert into spending (day, cost_micros, input_tokens, output_tokens)
    values ((now() at time zone 'utc')::date, :cost_micros, :input_tokens, :output_tokens)
    on conflict (day) do update set cost_micros = spending.cost_micros + excluded.cost_micros,
        input_tokens = spending.input_tokens + excluded.input_tokens,
        output_tokens = spending.output_tokens + excluded.output_tokens"""
)
_TODAY = Statement(
    """select cost_micros, input_tokens, output_tokens from spending where day = (now() at time zone 'utc')::date"""
)


async def add(connection: Connection, *usages: Usage) -> None:
    """Add to what the AI has taken today, unless it took nothing."""
    taken = Usage(
        cost_micros=sum(usage.cost_micros for usage in usages),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
    )
    if taken != Usage():
        await connection.row(_ADD, **msgspec.structs.asdict(taken))


async def today(database: Database) -> Usage:
    """What the AI has taken today."""
    row = await database.row(_TODAY)
    return Usage(**dict(row)) if row else Usage()
