"""A version for each category and canned reply, so that one admin does not overwrite another unawares."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("category", "canned_reply")


def upgrade() -> None:
    """Add it; a constant default writes no row anew."""
    for table in TABLES:
        op.add_column(table, sa.Column("version", sa.BigInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    """Remove it again."""
    for table in TABLES:
        op.drop_column(table, "version")
