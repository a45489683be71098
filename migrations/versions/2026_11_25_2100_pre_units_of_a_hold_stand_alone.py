"""A hold and its units are written by one statement, so no key between them has to be looked up."""

from alembic import op

revision = "2026_11_25_2100"
down_revision = "2026_11_23_1710"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table hold_units drop constraint hold_units_hold_fkey")
