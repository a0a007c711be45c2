"""Inquiries, their conversation and what happened to them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from inquiry_service.storage.tables.columns import Xid8, id_column, metadata, time_column

RANK = "array_position(array['low', 'normal', 'high', 'urgent'], priority)"
"""The priority as a number that grows with the urgency."""

UNFINISHED = "status in ('new', 'open', 'pending')"

inquiry = Table(
    "inquiry",
    metadata,
    # Lists take the order of ids for the order of receipt: one that was received earlier, such as an imported one,
    # gets an id made of that time.
    id_column(),
    Column("number", BigInteger, Identity(always=True, start=1001), nullable=False, unique=True),
    Column("submitter_id", Uuid),
    Column("external_id", Text),
    Column("customer_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("snippet", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="new"),
    Column("triage_state", Text, nullable=False, server_default="queued"),
    Column("triage_reason", Text),
    Column("category", Text),
    Column("suggested_category", Text),
    Column("category_confidence", Double),
    Column("alternatives", JSONB, nullable=False, server_default=text("'[]'")),
    Column("sentiment", Text),
    Column("sentiment_score", Double),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("priority_reason", Text),
    Column("language", Text),
    Column("assignee_id", Uuid),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Field → version at which a person last set it: the machine leaves these alone, If-Match compares with them.
    Column("human_versions", JSONB, nullable=False, server_default=text("'{}'")),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("tracking_version", Integer, nullable=False, server_default="1"),
    time_column("create_time"),
    time_column("update_time"),
    Column("first_response_time", DateTime(timezone=True)),
    # When it last became resolved or closed; empty while it is neither.
    Column("resolve_time", DateTime(timezone=True)),
    # Which text the customer agreed to and when; it goes when the inquiry is erased.
    Column("consent_version", Text),
    Column("consent_time", DateTime(timezone=True)),
    CheckConstraint("status in ('new', 'open', 'pending', 'resolved', 'closed', 'spam')", name="status"),
    CheckConstraint("triage_state in ('queued', 'running', 'done', 'needs_review', 'failed')", name="triage_state"),
    CheckConstraint("sentiment in ('negative', 'neutral', 'positive')", name="sentiment"),
    CheckConstraint("priority in ('low', 'normal', 'high', 'urgent')", name="priority"),
    Index(None, "status", "id"),
    Index(None, "triage_state", "id"),
    Index(None, "category", "id"),
    Index(None, "sentiment", "id"),
    Index(None, "language", "id"),
    Index(None, "update_time", "id"),
    Index("ix_inquiry_rank_id", text(RANK), "id"),
    # What agents work on: it stays small however much is done, and so do the walks along these.
    Index("ix_inquiry_unfinished_id", "id", postgresql_where=text(UNFINISHED)),
    Index("ix_inquiry_unfinished_assignee_id_id", "assignee_id", "id", postgresql_where=text(UNFINISHED)),
    Index("ix_inquiry_unfinished_rank_id", text(RANK), "id", postgresql_where=text(UNFINISHED)),
    Index(None, "submitter_id", "id", postgresql_where=text("submitter_id is not null")),
    Index(None, "assignee_id", "id", postgresql_where=text("assignee_id is not null")),
    Index(None, "external_id", unique=True, postgresql_where=text("external_id is not null")),
    Index("ix_inquiry_lower_customer_email", text("lower(customer_email)")),
    # Dead letters by what ended them.
    Index("ix_inquiry_failed", "triage_reason", "id", postgresql_where=text("triage_state = 'failed'")),
    # For retention.
    Index("ix_inquiry_at_rest", "update_time", postgresql_where=text("status in ('resolved', 'closed', 'spam')")),
)

# No key below is global, so that message, event and ai_run can be partitioned by time without a new one.
message = Table(
    "message",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("account_id", Uuid),
    Column("body", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default="web"),
    time_column("create_time"),
    CheckConstraint("author in ('customer', 'agent')", name="author"),
    CheckConstraint("kind in ('message', 'reply', 'note', 'follow_up')", name="kind"),
    CheckConstraint("channel in ('web', 'tracking', 'desk', 'import')", name="channel"),
    PrimaryKeyConstraint("inquiry_id", "number", "create_time"),
)

# One row per tag of an inquiry, beside inquiry.tags, so that a page of one tag is a walk along one index.
inquiry_tag = Table(
    "inquiry_tag",
    metadata,
    Column("tag", Text, nullable=False),
    Column("inquiry_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tag", "inquiry_id"),
    Index(None, "inquiry_id"),
)

# What is to leave for customers by e-mail; a sender takes rows that are pending, by create_time.
outbox = Table(
    "outbox",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("message_number", Integer, nullable=False),
    Column("channel", Text, nullable=False, server_default="email"),
    Column("state", Text, nullable=False, server_default="pending"),
    time_column("create_time"),
    CheckConstraint("channel in ('email')", name="channel"),
    CheckConstraint("state in ('pending', 'sent', 'failed')", name="state"),
    PrimaryKeyConstraint("inquiry_id", "message_number"),
    Index("ix_outbox_pending", "create_time", postgresql_where=text("state = 'pending'")),
)

event = Table(
    "event",
    metadata,
    # Transaction ids begin anew in a restored database; the era keeps its events behind those from before.
    Column("era", SmallInteger, nullable=False, server_default="1"),
    Column("txid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("inquiry_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_id", Uuid),
    # Ids, enum values, numbers and keys only; free text lives in rows that can be erased.
    Column("body", JSONB, nullable=False, server_default=text("'{}'")),
    time_column("create_time"),
    CheckConstraint("actor in ('customer', 'agent', 'ai', 'system')", name="actor"),
    PrimaryKeyConstraint("inquiry_id", "number", "create_time"),
    Index(None, "era", "txid", "number"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("inquiry_id", Uuid, nullable=False),
    # For keys of messages.
    Column("message_number", Integer),
    time_column("create_time"),
    Index(None, "create_time"),
    Index(None, "inquiry_id"),
)
