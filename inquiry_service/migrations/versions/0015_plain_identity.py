"""Nothing is counted of what people are called: the planner would compare every search with all that was sampled of it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Stop sampling, and forget what was sampled."""
    op.execute(sa.text("alter table inquiry_search alter column identity set statistics 0"))
    op.execute(
        sa.text("select pg_clear_attribute_stats(cast(current_schema() as text), 'inquiry_search', 'identity', false)")
    )


def downgrade() -> None:
    """Sample again, from the next ANALYZE on."""
    op.execute(sa.text("alter table inquiry_search alter column identity set statistics -1"))
