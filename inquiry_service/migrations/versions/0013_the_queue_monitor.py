"""What the queue monitor and the retry policy remember.

Old code runs on it: what it does not fill counts as never having happened.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDEXES = {
    # Few rows each, so that taking in a new inquiry pays nothing for them.
    "ix_triage_job_deferred": "triage_job (deferred_since) where state = 'queued' and deferred_since is not null",
    "ix_triage_job_suspect": "triage_job (run_after) where ai_crashes > 1",
    "ix_inquiry_failed": "inquiry (triage_reason, id) where triage_state = 'failed'",
}


def upgrade() -> None:
    """Add columns and tables at once, indexes while creates go on."""
    op.execute(
        """alter table triage_job
            add column if not exists claim_time timestamptz,
            add column if not exists deferred_since timestamptz,
            add column if not exists unreached integer not null default 0,
            add column if not exists ai_crashes integer not null default 0,
            add column if not exists ai_crash_time timestamptz"""
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("interval_seconds", sa.Double(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("beat_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
        if_not_exists=True,
    )
    op.create_table(
        "throughput",
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "measure", name=op.f("pk_throughput")),
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            # What an interrupted migration leaves behind is there and not valid.
            op.execute(sa.text(f"drop index concurrently if exists {name}"))
            op.execute(sa.text(f"create index concurrently {name} on {columns}"))


def downgrade() -> None:
    """Remove it again; the event log makes the rates anew."""
    op.execute("drop index ix_inquiry_failed")
    op.execute(
        """alter table triage_job drop column claim_time, drop column deferred_since, drop column unreached,
            drop column ai_crashes, drop column ai_crash_time"""
    )
    op.drop_table("throughput")
    op.drop_table("worker")
    op.execute("delete from projection where name = 'throughput'")
