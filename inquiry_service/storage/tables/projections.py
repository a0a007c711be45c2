"""What follows the event log, and long work that survives crashes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from inquiry_service.storage.tables.columns import Xid8, id_column, metadata, time_column

# One row: which era new events belong to, and the name under which clients know it. `pok migrate` begins a new one when
# the server is not the one that it was, which is how a restored or failed-over database shows.
feed = Table(
    "feed",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("era", SmallInteger, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("system_identifier", BigInteger, nullable=False),
    Column("timeline", Integer, nullable=False),
    CheckConstraint("singleton", name="one_row"),
)

# Up to where each projection has the event log; moved in the transaction that writes what it makes of it.
projection = Table(
    "projection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("era", SmallInteger, nullable=False),
    Column("txid", Xid8, nullable=False),
    Column("number", BigInteger, nullable=False),
    time_column("update_time"),
)

# `target` says whom or what it is about, and is emptied when the work is over.
job = Table(
    "job",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    Column("target", JSONB, nullable=False, server_default=text("'{}'")),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    time_column("create_time"),
    time_column("update_time"),
    CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
    Index("ix_job_running", "create_time", postgresql_where=text("state = 'running'")),
)
