"""Groups of an order are pickups or shipments; both claim stock in the same way."""

from alembic import op

revision = "2026_11_26_0030"
down_revision = "2026_11_26_0015"
branch_labels = None
depends_on = None

RENAMED = """
    update {table} set lines = coalesce((
        select jsonb_agg(
            line - '{old}' || jsonb_build_object('{new}', line -> '{old}') order by position
        )
        from jsonb_array_elements(lines) with ordinality as each (line, position)
    ), '[]')
"""


def upgrade() -> None:
    op.execute("alter table allocations rename column pickup to group_id")
    op.execute(RENAMED.format(table="pickups", old="collected", new="given"))
    op.execute(RENAMED.format(table="orders", old="pickup", new="group"))
    op.execute("alter table orders add column address jsonb")
    op.execute(
        """
        create table shipments (
            id text collate "C" not null,
            order_id text collate "C" not null,
            store text collate "C" not null,
            customer text collate "C",
            state text default '' not null,
            lines jsonb default '[]'::jsonb not null,
            method text default '' not null,
            promised_from timestamp with time zone,
            promised_until timestamp with time zone,
            parcels jsonb default '[]'::jsonb not null,
            shipped_at timestamp with time zone,
            delivered_at timestamp with time zone,
            reason text default '' not null,
            version bigint default 1 not null,
            placed_at timestamp with time zone not null,
            changed_at timestamp with time zone not null,
            constraint shipments_pkey primary key (id),
            constraint shipments_order_id_fkey foreign key (order_id) references orders (id),
            constraint shipments_store_fkey foreign key (store) references stores (store)
        )
        """
    )
    op.execute("create index shipments_store_state_id_idx on shipments (store, state, id)")
    op.execute("create index shipments_order_id_idx on shipments (order_id)")
