"""The event log as its consumers read it: in one order, and nothing before all that comes ahead of it is in."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from inquiry_service.storage.database import Connection, Database, Statement

# Transactions that are still open will log with ids of their own: what is at or after the oldest of them must wait.
VISIBLE = "(era < (select era from feed) or txid < pg_snapshot_xmin(pg_current_snapshot()))"
TXID = "cast(cast(txid as text) as bigint) as txid"
POSITION = "(:era, cast(cast(cast(:txid as bigint) as text) as xid8), :number)"
_AFTER = Statement(
    f"""select era, {TXID}, number, inquiry_id, version, kind, actor, actor_id, body, create_time
    from event where (era, txid, number) > {POSITION} and {VISIBLE}
    order by event.era, event.txid, event.number limit :size"""
)
END = f"""select era, {TXID}, number from event where {VISIBLE}
    order by event.era desc, event.txid desc, number desc limit 1"""
_ANY_AFTER = Statement(f"select true from event where (era, txid, number) > {POSITION} limit 1")
_END = Statement(END)
_FEED = Statement("select era, epoch from feed")
_PREPARE = Statement(
    "insert into projection (name, era, txid, number) values (:name, 0, '0', 0) on conflict do nothing"
)
_HOLD = Statement(
    f"select era, {TXID}, number from projection where name = :name for update skip locked",
)
_MOVE = Statement(
    """update projection set era = :era, txid = cast(cast(cast(:txid as bigint) as text) as xid8), number = :number,
        update_time = now()
    where name = :name"""
)
_POSITION = Statement(f"select era, {TXID}, number from projection where name = :name")
_LAGS = Statement(
    """select name, coalesce((select extract(epoch from now() - create_time) from event
        where (era, txid, number) > (projection.era, projection.txid, projection.number)
        order by era, txid, number limit 1), 0)::float8 as lag from projection"""
)
_DERIVED = Statement("select set_config('synchronous_commit', 'off', true)")


class Position(NamedTuple):
    """A place in the log: everything up to and including it has been read."""

    era: int
    txid: int
    number: int

    def token(self, epoch: str) -> str:
        """How clients know it."""
        return f"{epoch}-{self.era}-{self.txid}-{self.number}"


BEGINNING = Position(0, 0, 0)


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its place in the log."""

    position: Position
    inquiry_id: UUID
    version: int
    kind: str
    actor: str
    actor_id: UUID | None
    body: Mapping[str, Any]
    create_time: Any

    @property
    def changes(self) -> Mapping[str, Sequence[Any]]:
        """Field → before and after."""
        changes: Mapping[str, Sequence[Any]] = self.body.get("changes", {})
        return changes


class Feed(NamedTuple):
    """The era of new events, and the name under which clients know it."""

    era: int
    epoch: str


async def after(reader: Database | Connection, position: Position, size: int) -> list[LoggedEvent]:
    """The next events, at most `size`; what is not yet safe to read comes in a later call."""
    rows = await reader.fetch(_AFTER, era=position.era, txid=position.txid, number=position.number, size=size)
    return [_event(dict(row)) for row in rows]


async def any_after(reader: Database | Connection, position: Position) -> bool:
    """Whether there are further events, also such as are not yet safe to read."""
    return await reader.row(_ANY_AFTER, era=position.era, txid=position.txid, number=position.number) is not None


async def end(reader: Database | Connection) -> Position:
    """The position of the newest event that is safe to read."""
    row = await reader.row(_END)
    return Position(**dict(row)) if row else BEGINNING


async def feed(reader: Database | Connection) -> Feed:
    """What clients' positions belong to."""
    row = await reader.row(_FEED)
    if row is None:
        raise LookupError("the feed has no row")
    return Feed(**dict(row))


async def prepare(database: Database, name: str) -> None:
    """Have a place to keep the position of the projection `name`, at the beginning if it is new."""
    await database.row(_PREPARE, name=name)


async def hold(connection: Connection, name: str) -> Position | None:
    """The position of a projection, locked until the transaction ends; None while another replica holds it.

    What the transaction writes can be made again from the log, so that its commit need not wait for the disk.
    """
    row = await connection.row(_HOLD, name=name)
    if row is None:
        return None
    await connection.row(_DERIVED)
    return Position(**dict(row))


async def move(connection: Connection, name: str, position: Position) -> None:
    """Keep the position of a projection."""
    await connection.row(_MOVE, name=name, **position._asdict())


async def position_of(reader: Database | Connection, name: str) -> Position:
    """Up to where a projection has come."""
    row = await reader.row(_POSITION, name=name)
    return Position(**dict(row)) if row else BEGINNING


async def lags(reader: Database | Connection) -> dict[str, float]:
    """By how many seconds each projection is behind the log: the age of the first event that it has not read."""
    return {row["name"]: row["lag"] for row in await reader.fetch(_LAGS)}


def _event(values: dict[str, Any]) -> LoggedEvent:
    position = Position(values.pop("era"), values.pop("txid"), values.pop("number"))
    return LoggedEvent(position=position, **values)
