"""What is known of a shelf beyond its counters: why goods are not for sale, and what comes."""

from alembic import op

revision = "2026_11_25_2120"
down_revision = "2026_11_25_2110"
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

SEEN = """
alter table stock
    add column seen_at timestamp with time zone,
    add column missed_at timestamp with time zone,
    add column misses integer default 0 not null,
    add column shrink real default 0 not null
"""
DELIVERIES = """
create table deliveries (
    id text collate "C" not null,
    destination text collate "C" not null,
    lines jsonb default '[]'::jsonb not null,
    state text default '' not null,
    reference text default '' not null,
    due_on date not null,
    due_at timestamp with time zone,
    announced_by text collate "C" not null,
    announced_at timestamp with time zone not null,
    closed_by text collate "C" default '' not null,
    closed_at timestamp with time zone,
    version bigint default 1 not null,
    constraint deliveries_pkey primary key (id),
    constraint deliveries_state_check check (state in ('expected', 'closed', 'cancelled')),
    constraint deliveries_destination_fkey foreign key (destination) references stores (store)
)
"""
INCOMING = """
create table incoming (
    sku text collate "C" not null,
    store text collate "C" not null,
    source text collate "C" not null,
    units integer default 0 not null,
    due_on date,
    constraint incoming_pkey primary key (sku, store, source),
    constraint incoming_units_check check (units > 0),
    constraint incoming_store_fkey foreign key (store) references stores (store)
)
"""
IN_TRANSIT = """
insert into incoming (sku, store, source, units)
select line.sku, transfers.destination, transfers.id, line.quantity - line.received
from transfers, jsonb_to_recordset(lines) as line (sku text, quantity int, received int)
where transfers.state = 'in_transit' and line.quantity > line.received
"""

WALK_IN_POLICIES = """
create table walk_in_policies (
    store text collate "C" not null,
    active boolean default false not null,
    floor integer default 0 not null,
    cap integer default 0 not null,
    kept_for timestamp without time zone,
    constraint walk_in_policies_pkey primary key (store),
    constraint walk_in_policies_floor_check check (floor between 0 and cap),
    constraint walk_in_policies_store_fkey foreign key (store) references stores (store)
)
"""
WALK_INS = """
create table walk_ins (
    store text collate "C" not null,
    sku text collate "C" not null,
    by_hand integer default 0 not null,
    constraint walk_ins_pkey primary key (store, sku),
    constraint walk_ins_store_fkey foreign key (store) references stores (store)
)
"""


def upgrade() -> None:
    op.execute(SEEN)
    op.execute("alter table movements add column conditions jsonb")
    op.execute(BLOCKED)
    op.execute(KNOWN)
    op.execute("alter table transfers add column due_on date")
    op.execute(DELIVERIES)
    op.execute("create index deliveries_destination_id_idx on deliveries (destination, id)")
    op.execute(INCOMING)
    op.execute("create index incoming_source_idx on incoming (source)")
    op.execute(IN_TRANSIT)
    op.execute(WALK_IN_POLICIES)
    op.execute(WALK_INS)
    op.execute("create index movements_occurred_at_idx on movements using brin (occurred_at)")
