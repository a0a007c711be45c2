"""What the statistics are kept in."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the counts, and what the projection remembers of each inquiry."""
    op.create_table(
        "statistic",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dimension", "width", "bucket", "measure", "key", name=op.f("pk_statistic")),
    )
    op.create_table(
        "statistic_inquiry",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_statistic_inquiry")),
    )


def downgrade() -> None:
    """Remove it again; the event log makes it anew."""
    op.drop_table("statistic_inquiry")
    op.drop_table("statistic")
    op.execute("delete from projection where name = 'statistics'")
