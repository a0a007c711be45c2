"""What admins arrange: canned replies, settings, the audit log; language and address of people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what administration needs."""
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome in ('ok', 'refused', 'failed')", name=op.f("ck_audit_outcome")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_action_number"), "audit", ["action", "number"], unique=False)
    op.create_index(op.f("ix_audit_actor_id_number"), "audit", ["actor_id", "number"], unique=False)
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updater_id", sa.Uuid(), nullable=True),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "canned_reply",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category"], ["category.key"], name=op.f("fk_canned_reply_category"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("language", "title", name=op.f("uq_canned_reply_language_title")),
    )
    op.create_table(
        "spending",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_spending")),
    )
    op.create_index(
        op.f("ix_inquiry_assignee_id_id"),
        "inquiry",
        ["assignee_id", "id"],
        unique=False,
        postgresql_where=sa.text("assignee_id is not null"),
    )
    op.add_column("account", sa.Column("language", sa.Text(), server_default="es", nullable=False))
    op.create_check_constraint(op.f("ck_account_language"), "account", "language in ('es', 'en')")
    op.add_column("session", sa.Column("address", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Remove it again."""
    op.drop_column("session", "address")
    op.drop_constraint(op.f("ck_account_language"), "account")
    op.drop_column("account", "language")
    op.drop_index(op.f("ix_inquiry_assignee_id_id"), table_name="inquiry")
    op.drop_table("spending")
    op.drop_table("canned_reply")
    op.drop_table("setting")
    op.drop_index(op.f("ix_audit_actor_id_number"), table_name="audit")
    op.drop_index(op.f("ix_audit_action_number"), table_name="audit")
    op.drop_table("audit")
