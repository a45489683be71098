"""What is known of a shelf beyond its counters: why goods on it are not for sale."""

from alembic import op

revision = "2026_11_25_2120"
down_revision = "2026_11_25_2100"
branch_labels = None
depends_on = None

BLOCKED = """
create table blocked (
    sku text collate "C" not null,
    store text collate "C" not null,
    condition text collate "C" not null,
    units integer default 0 not null,
    constraint blocked_pkey primary key (sku, store, condition),
    constraint blocked_units_check check (units >= 0),
    constraint blocked_store_fkey foreign key (store) references stores (store)
)
"""
KNOWN = """
insert into blocked (sku, store, condition, units)
select sku, store, 'quality_check', unavailable from stock where unavailable > 0
"""


def upgrade() -> None:
    op.execute("alter table movements add column conditions jsonb")
    op.execute(BLOCKED)
    op.execute(KNOWN)
