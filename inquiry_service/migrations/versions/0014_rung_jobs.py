"""Which jobs a doorbell is out for, so that the sweeper need not look at all that wait."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NAME = "ix_triage_job_rung"


def upgrade() -> None:
    """Add the index while creates go on."""
    with op.get_context().autocommit_block():
        # What an interrupted migration leaves behind is there and not valid.
        op.execute(sa.text(f"drop index concurrently if exists {NAME}"))
        op.execute(
            sa.text(
                f"create index concurrently {NAME} on triage_job (rung_at) "
                "where state = 'queued' and rung_at is not null"
            )
        )


def downgrade() -> None:
    """Remove it again."""
    op.execute(sa.text(f"drop index {NAME}"))
