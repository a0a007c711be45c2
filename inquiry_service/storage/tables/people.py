"""Accounts and where they are logged in."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from inquiry_service.storage.tables.columns import id_column, metadata, time_column

account = Table(
    "account",
    metadata,
    id_column(),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("language", Text, nullable=False, server_default="es"),
    time_column("create_time"),
    time_column("update_time"),
    CheckConstraint("language in ('es', 'en')", name="language"),
    CheckConstraint("role in ('user', 'support', 'admin')", name="role"),
)

# One row is one line of refresh tokens.
session = Table(
    "session",
    metadata,
    id_column(),
    Column("account_id", Uuid, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("rotation_key", LargeBinary),
    time_column("rotate_time"),
    time_column("create_time"),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("revoke_time", DateTime(timezone=True)),
    Column("user_agent", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Index(None, "account_id"),
    Index(None, "expire_time"),
)
