"""Carts end when nobody comes back, keep lines for later, and are opened at tills."""

from alembic import op

revision = "2026_11_26_0035"
down_revision = "2026_11_26_0030"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    alter table carts
        drop constraint carts_state_check,
        add constraint carts_state_check
            check (state in ('open', 'ordered', 'merged', 'expired')),
        add column store text collate "C",
        add column saved jsonb not null default '[]'::jsonb,
        add column code_hash bytea,
        add column code_until timestamptz
    """,
    "create index carts_open_idx on carts (changed_at) where state = 'open'",
    "create index carts_over_idx on carts (changed_at) where state in ('merged', 'expired')",
    "create index carts_code_hash_idx on carts (code_hash) where code_hash is not null",
    """
    create table viewed (
        owner text collate "C" not null,
        sku text collate "C" not null,
        viewed_at timestamptz not null,
        constraint viewed_pkey primary key (owner, sku)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
