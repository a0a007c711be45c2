"""Queries on what the AI takes, per day in UTC."""

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


async def add(connection: Connection, usage: Usage) -> None:
    """Add to what the AI has taken today, unless it took nothing."""
    if usage != Usage():
        await connection.row(
            _ADD,
            cost_micros=usage.cost_micros,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )


async def today(database: Database) -> Usage:
    """What the AI has taken today."""
    row = await database.row(_TODAY)
    return Usage(**dict(row)) if row else Usage()
