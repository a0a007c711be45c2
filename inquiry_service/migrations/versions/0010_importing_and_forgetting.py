"""Find all inquiries of one address, those whose time to be kept is over, and the keys of an erased one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_inquiry_lower_customer_email": "inquiry (lower(customer_email))",
    # Only of those that are at rest, so that taking in a new inquiry pays nothing for it.
    "ix_inquiry_at_rest": "inquiry (update_time) where status in ('resolved', 'closed', 'spam')",
    "ix_idempotency_key_inquiry_id": "idempotency_key (inquiry_id)",
}


def upgrade() -> None:
    """Add them while creates go on."""
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            # What an interrupted migration leaves behind is there and not valid.
            op.execute(sa.text(f"drop index concurrently if exists {name}"))
            op.execute(sa.text(f"create index concurrently {name} on {columns}"))


def downgrade() -> None:
    """Remove them."""
    for name in INDEXES:
        op.execute(sa.text(f"drop index {name}"))
