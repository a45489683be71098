"""Whoever waits for goods of a shelf is found by the shelf."""

from alembic import op

revision = "2026_11_26_0530"
down_revision = "2026_11_26_0520"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index allocations_open_idx on allocations (store, sku)"
        " where quantity > consumed + released"
    )
