"""Markets, promotions, shipping methods, and the orders that use coupons."""

from alembic import op

revision = "2026_11_26_0046"
down_revision = "2026_11_26_0042"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table price_rules (
        one boolean not null default true,
        version bigint not null default 0,
        constraint price_rules_pkey primary key (one),
        constraint price_rules_one_check check (one)
    )
    """,
    "insert into price_rules default values",
    """
    create table markets (
        market text collate "C" not null,
        terms jsonb not null default '{}',
        version bigint not null default 1,
        constraint markets_pkey primary key (market)
    )
    """,
    """
    create table shipping_methods (
        method text collate "C" not null,
        terms jsonb not null default '{}',
        version bigint not null default 1,
        constraint shipping_methods_pkey primary key (method)
    )
    """,
    """
    create table promotions (
        promotion text collate "C" not null,
        code text collate "C",
        terms jsonb not null default '{}',
        uses integer not null default 0,
        version bigint not null default 1,
        constraint promotions_pkey primary key (promotion),
        constraint promotions_code_key unique (code),
        constraint promotions_uses_check check (uses >= 0)
    )
    """,
    """
    create table coupon_uses (
        promotion text collate "C" not null,
        order_id text collate "C" not null,
        customer text collate "C",
        constraint coupon_uses_pkey primary key (promotion, order_id),
        constraint coupon_uses_promotion_fkey
            foreign key (promotion) references promotions (promotion),
        constraint coupon_uses_order_id_fkey foreign key (order_id) references orders (id)
    )
    """,
    """
    alter table carts
        add column market text collate "C",
        add column coupons text[] collate "C" not null default '{}',
        add column method text collate "C",
        add column address jsonb
    """,
    "alter table orders add column bill jsonb not null default '{}'",
    """
    update orders set lines = coalesce((
        select jsonb_agg(
            line || jsonb_build_object(
                'to_pay', line -> 'total',
                'tax', jsonb_build_object('amount', 0, 'currency', currency)
            ) order by position
        )
        from jsonb_array_elements(lines) with ordinality as each (line, position)
    ), '[]')
    """,
    "create index coupon_uses_order_id_idx on coupon_uses (order_id)",
    "create index coupon_uses_promotion_customer_idx on coupon_uses (promotion, customer)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
