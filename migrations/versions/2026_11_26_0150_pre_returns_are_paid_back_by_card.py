"""An order knows what its returns gave back through its payment provider."""

from alembic import op

revision = "2026_11_26_0150"
down_revision = "2026_11_26_0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table orders add column paid_back_minor bigint default 0 not null")
