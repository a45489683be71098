"""Every step of an order is kept, with who did it; orders from before tell what happens now on."""

from alembic import op

revision = "2026_11_26_0120"
down_revision = "2026_11_26_0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table timeline (
            id bigint generated always as identity,
            order_id text collate "C" not null,
            at timestamp with time zone not null,
            what text default '' not null,
            by text default '' not null,
            actor text collate "C" not null,
            group_id text collate "C" default '' not null,
            store text collate "C" default '' not null,
            facts jsonb default '{}'::jsonb not null,
            constraint timeline_pkey primary key (id)
        )
        """
    )
    op.execute("create index timeline_order_id_id_idx on timeline (order_id, id)")
