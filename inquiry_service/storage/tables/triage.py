"""The queue of record and what the AI has made of inquiries."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from inquiry_service.storage.tables.columns import Halfvec, metadata, time_column

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
    time_column("run_after"),
    Column("rung_at", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True)),
    Column("worker", Text),
    Column("claim_time", DateTime(timezone=True)),
    # Since when it would have been done had not something else put it off: a provider, or the AI service.
    Column("deferred_since", DateTime(timezone=True)),
    # How often in a row the AI service went away with it; and how often of these it had served others in between.
    Column("unreached", Integer, nullable=False, server_default="0"),
    Column("ai_crashes", Integer, nullable=False, server_default="0"),
    Column("ai_crash_time", DateTime(timezone=True)),
    CheckConstraint("state in ('queued', 'running', 'idle')", name="state"),
    Index("ix_triage_job_due", "lane", "run_after", postgresql_where=text("state = 'queued'")),
    Index("ix_triage_job_lease", "lease_until", postgresql_where=text("state = 'running'")),
    # Few rows each.
    Index(
        "ix_triage_job_deferred",
        "deferred_since",
        postgresql_where=text("state = 'queued' and deferred_since is not null"),
    ),
    Index("ix_triage_job_rung", "rung_at", postgresql_where=text("state = 'queued' and rung_at is not null")),
    Index("ix_triage_job_suspect", "run_after", postgresql_where=text("ai_crashes > 1")),
    postgresql_with={"fillfactor": "70"},
)

# Processes that take jobs, as they describe themselves with each heartbeat; forgotten when they stop, or an hour after
# they were heard last.
worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("concurrency", Integer, nullable=False),
    # The longest time until it beats again.
    Column("interval_seconds", Double, nullable=False),
    time_column("start_time"),
    time_column("beat_time"),
)

ai_run = Table(
    "ai_run",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("record", JSONB, nullable=False),
    time_column("create_time"),
    CheckConstraint("outcome in ('applied', 'suggested', 'superseded', 'undone')", name="outcome"),
    PrimaryKeyConstraint("inquiry_id", "claim", "create_time"),
)

# The newest row of an inquiry is its draft.
draft = Table(
    "draft",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("number", BigInteger, Identity(), nullable=False),
    # The analysis that wrote it; empty where an agent asked for it.
    Column("claim", BigInteger),
    # Number of the customer's message that it answers.
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("instruction", Text, nullable=False, server_default=""),
    Column("model", JSONB),
    Column("reason", Text),
    Column("reply_number", Integer),
    # Characters between the draft and what was sent (Levenshtein).
    Column("edit_distance", Integer),
    # What it builds on, what it lacks, and what was hidden from whoever wrote it.
    Column("cited", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("missing", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("masked", JSONB, nullable=False, server_default=text("'[]'")),
    time_column("create_time"),
    time_column("update_time"),
    CheckConstraint(
        "state in ('generating', 'ready', 'superseded', 'inserted', 'sent', 'dismissed', 'failed')", name="state"
    ),
    PrimaryKeyConstraint("inquiry_id", "number"),
    Index("ix_draft_generating", "update_time", postgresql_where=text("state = 'generating'")),
)

# Of the customer's words as analysed last; a consumer of the event log makes them searchable.
inquiry_embedding = Table(
    "inquiry_embedding",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("encoder_version", Text, nullable=False),
    Column("embedding", Halfvec(512), nullable=False),
    time_column("update_time"),
)

# The category that a person set or confirmed for an inquiry, the last one: the log that AI processes learn from, each
# row at the version of its last change. `number` is the version at which it was decided; of each category the newest
# 200 that are not of spam count. Without a category it is to be forgotten, and soon goes itself.
human_decision = Table(
    "human_decision",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("category", Text),
    Column("spam", Boolean, nullable=False, server_default=text("false")),
    Column("counts", Boolean, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    time_column("update_time"),
    Index(None, "version", "inquiry_id"),
    Index("ix_human_decision_newest", "category", "number", postgresql_where=text("category is not null and not spam")),
    Index("ix_human_decision_counts", "category", postgresql_where=text("counts")),
    Index("ix_human_decision_gone", "update_time", postgresql_where=text("category is null")),
)

# What the AI has taken, per day in UTC; the cost in millionths of the currency of the provider's prices.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("cost_micros", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
)
