"""Goods of orders come back, to any store or by post."""

from alembic import op

revision = "2026_11_26_0110"
down_revision = "2026_11_26_0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table returns (
            id text collate "C" not null,
            order_id text collate "C",
            store text collate "C" not null,
            customer text collate "C",
            channel text collate "C" not null,
            state text default '' not null,
            currency text collate "C" not null,
            lines jsonb default '[]'::jsonb not null,
            refunds jsonb default '[]'::jsonb not null,
            proposals jsonb default '[]'::jsonb not null,
            receipt text collate "C",
            note text default '' not null,
            "by" text collate "C" not null,
            decided_by text collate "C" default '' not null,
            received_at timestamp with time zone,
            version bigint default 1 not null,
            created_at timestamp with time zone not null,
            changed_at timestamp with time zone not null,
            constraint returns_pkey primary key (id),
            constraint returns_order_id_fkey foreign key (order_id) references orders (id),
            constraint returns_store_fkey foreign key (store) references stores (store),
            constraint returns_state_check check (state in ('announced', 'received', 'cancelled'))
        )
        """
    )
    op.execute("create index returns_store_state_id_idx on returns (store, state, id)")
    op.execute("create index returns_order_id_idx on returns (order_id)")
