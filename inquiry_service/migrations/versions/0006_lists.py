"""Indexes along which lists are walked."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

RANK = "array_position(array['low', 'normal', 'high', 'urgent'], priority)"
UNFINISHED = "status in ('new', 'open', 'pending')"
INDEXES = {
    "ix_inquiry_language_id": "(language, id)",
    "ix_inquiry_update_time_id": "(update_time, id)",
    "ix_inquiry_rank_id": f"({RANK}, id)",
    "ix_inquiry_unfinished_id": f"(id) where {UNFINISHED}",
    "ix_inquiry_unfinished_assignee_id_id": f"(assignee_id, id) where {UNFINISHED}",
    "ix_inquiry_unfinished_rank_id": f"({RANK}, id) where {UNFINISHED}",
}


def upgrade() -> None:
    """Add them while creates go on."""
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            # What an interrupted migration leaves behind is there and not valid.
            op.execute(sa.text(f"drop index concurrently if exists {name}"))
            op.execute(sa.text(f"create index concurrently {name} on inquiry {columns}"))


def downgrade() -> None:
    """Remove them."""
    for name in INDEXES:
        op.execute(sa.text(f"drop index {name}"))
