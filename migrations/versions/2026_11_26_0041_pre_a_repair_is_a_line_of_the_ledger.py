"""A repair stands in the ledger of the shelf it put right, with what was and what is."""

from alembic import op

revision = "2026_11_26_0041"
down_revision = "2026_11_26_0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table movements add repaired jsonb")
    op.execute("alter table repairs add repair text default ''::text not null")
    op.execute("create index repairs_repair_idx on repairs (repair)")
