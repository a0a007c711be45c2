"""What administrators arrange, and the log of who did what."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from inquiry_service.storage.tables.columns import id_column, metadata, time_column

category = Table(
    "category",
    metadata,
    Column("key", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("name_es", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("examples", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default="1"),
)

# One row: grows with every change that the AI service must learn of. Whoever holds a version before `oldest_version`
# has missed what cannot be told any more.
knowledge = Table(
    "knowledge",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False),
    Column("oldest_version", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("singleton", name="one_row"),
)

canned_reply = Table(
    "canned_reply",
    metadata,
    id_column(),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("category", Text, ForeignKey("category.key", ondelete="SET NULL")),
    time_column("create_time"),
    time_column("update_time"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    UniqueConstraint("language", "title"),
)

# Only what differs from the default; the environment may pin a setting above it.
setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("updater_id", Uuid),
    time_column("update_time"),
)

# Append-only. Ids, keys and numbers; addresses of clients are kept, customers' texts never.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("target", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("request_id", Text, nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    time_column("create_time"),
    CheckConstraint("outcome in ('ok', 'refused', 'failed')", name="outcome"),
    Index(None, "action", "number"),
    Index(None, "actor_id", "number"),
)
