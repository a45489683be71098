"""A hold is kept while a payment for it is under way."""

from alembic import op

revision = "2026_11_25_2140"
down_revision = "2026_11_25_2120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table holds add column attempt text collate \"C\" not null default '',"
        " add column pinned_until timestamptz"
    )
