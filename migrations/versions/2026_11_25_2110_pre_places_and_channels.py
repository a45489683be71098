"""Where goods may be sold from, and through which channel."""

from alembic import op

revision = "2026_11_25_2110"
down_revision = "2026_11_25_2100"
branch_labels = None
depends_on = None

STATEMENTS = (
    "update stores set kind = 'store' where kind not in ('store', 'warehouse', 'dark_store')",
    """
    alter table stores
        add column channels text[] collate "C",
        add column state text not null default 'active',
        add constraint stores_kind_check check (kind in ('store', 'warehouse', 'dark_store')),
        add constraint stores_state_check check (state in ('active', 'draining', 'closed'))
    """,
    """
    create index stores_limited_idx on stores (store)
        where state <> 'active' or channels is not null
    """,
    """
    create table sales_channels (
        channel text collate "C" not null,
        buffer integer not null default 0,
        quantities text,
        most integer,
        low_at integer,
        constraint sales_channels_pkey primary key (channel),
        constraint sales_channels_buffer_check check (buffer >= 0),
        constraint sales_channels_quantities_check
            check (quantities in ('exact', 'capped', 'hidden')),
        constraint sales_channels_most_check check (most > 0),
        constraint sales_channels_low_at_check check (low_at >= 0)
    )
    """,
    "insert into sales_channels (channel) values ('web')",
    """
    create table buffers (
        channel text collate "C" not null,
        sku text collate "C" not null,
        buffer integer not null default 0,
        constraint buffers_pkey primary key (channel, sku),
        constraint buffers_buffer_check check (buffer >= 0),
        constraint buffers_channel_fkey foreign key (channel) references sales_channels (channel)
    )
    """,
    'alter table feed_inbox add column channel text collate "C"',
    'alter table feed add column channel text collate "C"',
    "create index feed_restated_idx on feed (position) where channel is not null",
    "alter table holds add column channel text collate \"C\" not null default 'web'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
