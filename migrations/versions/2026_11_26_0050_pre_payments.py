"""Tries to be paid by card, what was asked for them, and what providers told."""

from alembic import op

revision = "2026_11_26_0050"
down_revision = "2026_11_26_0046"
branch_labels = None
depends_on = None

ATTEMPTS = """
create table attempts (
    id text collate "C" not null,
    order_id text collate "C" not null,
    provider text not null default '',
    payment text collate "C" not null default '',
    state text not null default '',
    currency text collate "C" not null,
    amount_minor bigint not null,
    authorised bigint not null default 0,
    captured bigint not null default 0,
    refunded bigint not null default 0,
    declined boolean not null default false,
    cancelled boolean not null default false,
    disputed boolean not null default false,
    refused text not null default '',
    trouble text not null default '',
    card text not null default '',
    client_secret text not null default '',
    next_action jsonb,
    deadline timestamptz not null,
    look_at timestamptz,
    looks integer not null default 0,
    started_at timestamptz not null,
    changed_at timestamptz not null,
    constraint attempts_pkey primary key (id),
    constraint attempts_order_id_fkey foreign key (order_id) references orders (id),
    constraint attempts_amount_minor_check check (amount_minor > 0),
    constraint attempts_captured_check check (captured between 0 and authorised),
    constraint attempts_refunded_check check (refunded between 0 and captured)
)
"""
TRANSACTIONS = """
create table transactions (
    id text collate "C" not null,
    attempt text collate "C" not null,
    order_id text collate "C" not null,
    kind text not null default '',
    cause text collate "C" not null,
    amount bigint not null,
    state text not null default '',
    tries integer not null default 0,
    trouble text not null default '',
    receipt text collate "C" not null default '',
    due_at timestamptz not null,
    planned_at timestamptz not null,
    changed_at timestamptz not null,
    constraint transactions_pkey primary key (id),
    constraint transactions_kind_cause_key unique (kind, cause),
    constraint transactions_attempt_fkey foreign key (attempt) references attempts (id),
    constraint transactions_order_id_fkey foreign key (order_id) references orders (id),
    constraint transactions_kind_check
        check (kind in ('authorise', 'capture', 'void', 'refund')),
    constraint transactions_state_check check (state in ('planned', 'done', 'refused')),
    constraint transactions_amount_check check (amount >= 0)
)
"""
NOTICES = """
create table notices (
    provider text collate "C" not null,
    id text collate "C" not null,
    kind text not null default '',
    payment text collate "C" not null,
    heard_at timestamptz not null,
    constraint notices_pkey primary key (provider, id)
)
"""
STATEMENTS = (
    """
    alter table carts
        add column paying_until timestamptz,
        drop constraint carts_state_check,
        add constraint carts_state_check
            check (state in ('open', 'paying', 'ordered', 'merged', 'expired'))
    """,
    "drop index carts_open_key",
    """
    create unique index carts_open_key on carts (customer)
        where state in ('open', 'paying') and customer is not null
    """,
    """
    alter table orders
        add column attempt text collate "C",
        add column pay_by timestamptz,
        drop constraint orders_cart_key
    """,
    "create unique index orders_cart_key on orders (cart) where state <> 'expired'",
    "create index orders_unpaid_idx on orders (pay_by) where state = 'pending_payment'",
    ATTEMPTS,
    "create index attempts_order_id_id_idx on attempts (order_id, id)",
    """
    create unique index attempts_payment_key on attempts (provider, payment)
        where payment <> ''
    """,
    "create index attempts_due_idx on attempts (look_at) where look_at is not null",
    """
    create index attempts_open_idx on attempts (state, started_at)
        where state in ('started', 'waiting', 'authorised')
    """,
    """
    create index attempts_unsettled_idx on attempts (id)
        where disputed or state = 'voided'
    """,
    TRANSACTIONS,
    "create index transactions_attempt_id_idx on transactions (attempt, id)",
    "create index transactions_due_idx on transactions (due_at) where state = 'planned'",
    "create index transactions_refused_idx on transactions (id) where state = 'refused'",
    NOTICES,
    "create index notices_heard_at_idx on notices (heard_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
