"""Orders are found by what people say of them: a name, an address, a number, a SKU."""

from alembic import op

revision = "2026_11_26_0130"
down_revision = "2026_11_26_0120"
branch_labels = None
depends_on = None

KNOWN = """
    insert into order_words (kind, word, order_id)
    select 'email', lower(contact ->> 'email'), id from orders
    where contact ->> 'email' is not null
    union
    select 'phone', contact ->> 'phone', id from orders where contact ->> 'phone' is not null
    union
    select 'name', lower(contact ->> 'name'), id from orders
    union
    select 'sku', line ->> 'sku', id from orders, jsonb_array_elements(lines) as line
    union
    select 'tracking', parcel ->> 'tracking_number', order_id
    from shipments, jsonb_array_elements(parcels) as parcel
"""


def upgrade() -> None:
    op.execute(
        """
        create table order_words (
            kind text default '' not null,
            word text collate "C" not null,
            order_id text collate "C" not null,
            constraint order_words_pkey primary key (kind, word, order_id)
        )
        """
    )
    op.execute("create index order_words_order_id_idx on order_words (order_id)")
    op.execute(KNOWN)
    op.execute("create index orders_state_id_idx on orders (state, id)")
    op.execute("create index orders_placed_at_idx on orders (placed_at)")
    op.execute("create index pickups_store_order_id_idx on pickups (store, order_id)")
    op.execute("create index shipments_store_order_id_idx on shipments (store, order_id)")
