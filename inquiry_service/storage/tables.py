"""The tables, as the migrations leave them (a test compares the two)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[int]):
    """Postgres' 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its SQL name."""
        return "XID8"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id(name: str = "id") -> Column[object]:
    return Column(name, Uuid, primary_key=True, server_default=text("uuidv7()"))


def _time(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


inquiry = Table(
    "inquiry",
    metadata,
    _id(),
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
    _time("create_time"),
    _time("update_time"),
    CheckConstraint("status in ('new', 'open', 'pending', 'resolved', 'closed', 'spam')", name="status"),
    CheckConstraint("triage_state in ('queued', 'running', 'done', 'needs_review', 'failed')", name="triage_state"),
    CheckConstraint("sentiment in ('negative', 'neutral', 'positive')", name="sentiment"),
    CheckConstraint("priority in ('low', 'normal', 'high', 'urgent')", name="priority"),
    Index(None, "status", "id"),
    Index(None, "triage_state", "id"),
    Index(None, "category", "id"),
    Index(None, "sentiment", "id"),
    Index(None, "submitter_id", "id", postgresql_where=text("submitter_id is not null")),
    Index(None, "assignee_id", "id", postgresql_where=text("assignee_id is not null")),
    Index(None, "external_id", unique=True, postgresql_where=text("external_id is not null")),
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
    _time("create_time"),
    CheckConstraint("author in ('customer', 'agent')", name="author"),
    CheckConstraint("kind in ('message', 'reply', 'note')", name="kind"),
    PrimaryKeyConstraint("inquiry_id", "number", "create_time"),
)

event = Table(
    "event",
    metadata,
    Column("txid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("inquiry_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_id", Uuid),
    # Ids, enum values, numbers and keys only; free text lives in rows that can be erased.
    Column("body", JSONB, nullable=False, server_default=text("'{}'")),
    _time("create_time"),
    CheckConstraint("actor in ('customer', 'agent', 'ai', 'system')", name="actor"),
    PrimaryKeyConstraint("inquiry_id", "number", "create_time"),
    Index(None, "txid", "number"),
)

triage_job = Table(
    "triage_job",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("lane", SmallInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("requested_revision", Integer, nullable=False, server_default="1"),
    Column("claimed_revision", Integer),
    Column("claim", BigInteger, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    _time("run_after"),
    Column("rung_at", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True)),
    Column("worker", Text),
    CheckConstraint("state in ('queued', 'running', 'idle')", name="state"),
    Index("ix_triage_job_due", "lane", "run_after", postgresql_where=text("state = 'queued'")),
    Index("ix_triage_job_lease", "lease_until", postgresql_where=text("state = 'running'")),
    postgresql_with={"fillfactor": "70"},
)

ai_run = Table(
    "ai_run",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("record", JSONB, nullable=False),
    _time("create_time"),
    CheckConstraint("outcome in ('applied', 'suggested', 'superseded')", name="outcome"),
    PrimaryKeyConstraint("inquiry_id", "claim", "create_time"),
)

draft = Table(
    "draft",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    _time("create_time"),
    CheckConstraint("state in ('ready', 'superseded')", name="state"),
    PrimaryKeyConstraint("inquiry_id", "claim"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("inquiry_id", Uuid, nullable=False),
    _time("create_time"),
    Index(None, "create_time"),
)

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
)

# One row: grows with every change that the AI service must learn of.
knowledge = Table(
    "knowledge",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("singleton", name="one_row"),
)

account = Table(
    "account",
    metadata,
    _id(),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("language", Text, nullable=False, server_default="es"),
    _time("create_time"),
    _time("update_time"),
    CheckConstraint("language in ('es', 'en')", name="language"),
    CheckConstraint("role in ('user', 'support', 'admin')", name="role"),
)

# One row is one line of refresh tokens.
session = Table(
    "session",
    metadata,
    _id(),
    Column("account_id", Uuid, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("rotation_key", LargeBinary),
    _time("rotate_time"),
    _time("create_time"),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("revoke_time", DateTime(timezone=True)),
    Column("user_agent", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Index(None, "account_id"),
    Index(None, "expire_time"),
)

canned_reply = Table(
    "canned_reply",
    metadata,
    _id(),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("category", Text, ForeignKey("category.key", ondelete="SET NULL")),
    _time("create_time"),
    _time("update_time"),
    UniqueConstraint("language", "title"),
)

# Only what differs from the default; the environment may pin a setting above it.
setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("updater_id", Uuid),
    _time("update_time"),
)

# What the AI has cost, per day in UTC; in millionths of the currency of the provider's prices.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("cost_micros", BigInteger, nullable=False),
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
    _time("create_time"),
    CheckConstraint("outcome in ('ok', 'refused', 'failed')", name="outcome"),
    Index(None, "action", "number"),
    Index(None, "actor_id", "number"),
)
