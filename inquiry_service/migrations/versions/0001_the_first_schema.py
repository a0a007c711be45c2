"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Xid8(UserDefinedType[int]):
    """Postgres' 64-bit transaction id."""

    def get_col_spec(self, **_: object) -> str:
        """Its SQL name."""
        return "XID8"


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('user', 'support', 'admin')", name=op.f("ck_account_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_table(
        "ai_run",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("claim", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome in ('applied', 'suggested', 'superseded')", name=op.f("ck_ai_run_outcome")),
        sa.PrimaryKeyConstraint("inquiry_id", "claim", "create_time", name=op.f("pk_ai_run")),
    )
    op.create_table(
        "category",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_es", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("examples", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_category")),
    )
    op.create_table(
        "draft",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("claim", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('ready', 'superseded')", name=op.f("ck_draft_state")),
        sa.PrimaryKeyConstraint("inquiry_id", "claim", name=op.f("pk_draft")),
    )
    op.create_table(
        "event",
        sa.Column("txid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("actor in ('customer', 'agent', 'ai', 'system')", name=op.f("ck_event_actor")),
        sa.PrimaryKeyConstraint("inquiry_id", "number", "create_time", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_txid_number"), "event", ["txid", "number"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_create_time"), "idempotency_key", ["create_time"], unique=False)
    op.create_table(
        "inquiry",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True, start=1001), nullable=False),
        sa.Column("submitter_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=False),
        sa.Column("customer_email", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("snippet", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="new", nullable=False),
        sa.Column("triage_state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("triage_reason", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("suggested_category", sa.Text(), nullable=True),
        sa.Column("category_confidence", sa.Double(), nullable=True),
        sa.Column(
            "alternatives", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("sentiment_score", sa.Double(), nullable=True),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("priority_reason", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "human_versions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tracking_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("priority in ('low', 'normal', 'high', 'urgent')", name=op.f("ck_inquiry_priority")),
        sa.CheckConstraint("sentiment in ('negative', 'neutral', 'positive')", name=op.f("ck_inquiry_sentiment")),
        sa.CheckConstraint(
            "status in ('new', 'open', 'pending', 'resolved', 'closed', 'spam')", name=op.f("ck_inquiry_status")
        ),
        sa.CheckConstraint(
            "triage_state in ('queued', 'running', 'done', 'needs_review', 'failed')",
            name=op.f("ck_inquiry_triage_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry")),
        sa.UniqueConstraint("number", name=op.f("uq_inquiry_number")),
    )
    op.create_index(op.f("ix_inquiry_category_id"), "inquiry", ["category", "id"], unique=False)
    op.create_index(
        op.f("ix_inquiry_external_id"),
        "inquiry",
        ["external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_index(op.f("ix_inquiry_sentiment_id"), "inquiry", ["sentiment", "id"], unique=False)
    op.create_index(op.f("ix_inquiry_status_id"), "inquiry", ["status", "id"], unique=False)
    op.create_index(
        op.f("ix_inquiry_submitter_id_id"),
        "inquiry",
        ["submitter_id", "id"],
        unique=False,
        postgresql_where=sa.text("submitter_id is not null"),
    )
    op.create_index(op.f("ix_inquiry_triage_state_id"), "inquiry", ["triage_state", "id"], unique=False)
    op.create_table(
        "knowledge",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_knowledge_one_row")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_knowledge")),
    )
    op.create_table(
        "message",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("author in ('customer', 'agent')", name=op.f("ck_message_author")),
        sa.CheckConstraint("kind in ('message', 'reply', 'note')", name=op.f("ck_message_kind")),
        sa.PrimaryKeyConstraint("inquiry_id", "number", "create_time", name=op.f("pk_message")),
    )
    op.create_table(
        "triage_job",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("requested_revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("claimed_revision", sa.Integer(), nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('queued', 'running', 'idle')", name=op.f("ck_triage_job_state")),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_triage_job")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_triage_job_due",
        "triage_job",
        ["lane", "run_after"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_triage_job_lease",
        "triage_job",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("rotation_key", sa.LargeBinary(), nullable=True),
        sa.Column("rotate_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoke_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_session_account_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_account_id"), "session", ["account_id"], unique=False)
    op.create_index(op.f("ix_session_expire_time"), "session", ["expire_time"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_session_expire_time"), table_name="session")
    op.drop_index(op.f("ix_session_account_id"), table_name="session")
    op.drop_table("session")
    op.drop_index("ix_triage_job_lease", table_name="triage_job", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("ix_triage_job_due", table_name="triage_job", postgresql_where=sa.text("state = 'queued'"))
    op.drop_table("triage_job")
    op.drop_table("message")
    op.drop_table("knowledge")
    op.drop_index(op.f("ix_inquiry_triage_state_id"), table_name="inquiry")
    op.drop_index(
        op.f("ix_inquiry_submitter_id_id"), table_name="inquiry", postgresql_where=sa.text("submitter_id is not null")
    )
    op.drop_index(op.f("ix_inquiry_status_id"), table_name="inquiry")
    op.drop_index(op.f("ix_inquiry_sentiment_id"), table_name="inquiry")
    op.drop_index(
        op.f("ix_inquiry_external_id"), table_name="inquiry", postgresql_where=sa.text("external_id is not null")
    )
    op.drop_index(op.f("ix_inquiry_category_id"), table_name="inquiry")
    op.drop_table("inquiry")
    op.drop_index(op.f("ix_idempotency_key_create_time"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("ix_event_txid_number"), table_name="event")
    op.drop_table("event")
    op.drop_table("draft")
    op.drop_table("category")
    op.drop_table("ai_run")
    op.drop_table("account")
