"""What the last audit by the clock found, one row for each invariant."""

from alembic import op

revision = "2026_11_25_2150"
down_revision = "2026_11_25_2140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table audits (
            name text collate "C" not null,
            at timestamp with time zone not null,
            checked bigint not null,
            broken bigint not null,
            constraint audits_pkey primary key (name)
        )
        """
    )
