"""A delivery that a file told of has the name that the file gave it."""

from alembic import op

revision = "2026_11_26_0042"
down_revision = "2026_11_26_0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('alter table deliveries add external_id text collate "C"')
    op.execute(
        "alter table deliveries add constraint deliveries_external_id_key unique (external_id)"
    )
