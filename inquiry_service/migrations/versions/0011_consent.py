"""The consent that customers give with an inquiry.

Old code runs on it: nothing has to be filled.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep which text was agreed to, and when."""
    op.execute("alter table inquiry add column consent_version text, add column consent_time timestamptz")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table inquiry drop column consent_version, drop column consent_time")
