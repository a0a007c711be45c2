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
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import BIT, JSONB, TSVECTOR

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

# What can be found by its words. `document` weighs them: A who wrote, B subject, C customer's words, D staff's; it also
# names the blocks of numbers that the inquiry lies in, so that the index itself can keep to the newest. `identity` is
# who wrote, in lower case and without accents, to be found in spite of typos.
inquiry_search = Table(
    "inquiry_search",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("document", TSVECTOR, nullable=False),
    Column("identity", Text, nullable=False),
    # One index of both, so that also names can be looked for among the newest only.
    Index(
        None,
        "document",
        "identity",
        postgresql_using="gin",
        postgresql_ops={"identity": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": "512"},
    ),
)

# The signs of the embedding's numbers, in a table of their own: a changed text must not index them again. They find the
# nearest, whose order the embeddings themselves then say. Without an encoder: not embedded yet.
inquiry_meaning = Table(
    "inquiry_meaning",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("encoder_version", Text),
    Column("bits", BIT(512)),
    Index(None, "encoder_version", "inquiry_id"),
    Index(None, "bits", postgresql_using="hnsw", postgresql_ops={"bits": "bit_hamming_ops"}),
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
