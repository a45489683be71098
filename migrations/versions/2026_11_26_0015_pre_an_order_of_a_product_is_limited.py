"""An order takes at most so many of a product."""

from alembic import op

revision = "2026_11_26_0015"
down_revision = "2026_11_25_2150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table products add column most_per_order integer"
        " constraint products_most_per_order_check check (most_per_order > 0)"
    )
