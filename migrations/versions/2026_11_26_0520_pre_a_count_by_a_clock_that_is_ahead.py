"""A count whose clock is ahead is known again by the time that it named."""

from alembic import op

revision = "2026_11_26_0520"
down_revision = "2026_11_26_0510"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table counts add column said_at timestamptz")
