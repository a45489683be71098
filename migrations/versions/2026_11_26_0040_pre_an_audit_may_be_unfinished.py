"""An audit says of an invariant that it took too long, rather than nothing of any."""

from alembic import op

revision = "2026_11_26_0040"
down_revision = "2026_11_26_0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table audits add unfinished boolean default false not null")
