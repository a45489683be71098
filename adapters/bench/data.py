"""The shop that is measured: written set by set, and with every figure backed by its ledger."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec

from adapters.bench.scales import Scale
from adapters.postgres.db.urls import for_asyncpg, with_database

YARDSTICK_DATABASE: Final = "yardstick"
"""The database for the yardstick, beside the shop's."""
ON_HAND: Final = 1_000_000
"""Units of every stock level: no measurement runs out of stock."""
PRICE: Final = "1000 + number % 100 * 10"

LOAD_SHOP: Final = f"""
    set session_replication_role = replica;  -- each row has its store: nobody looks that up again

    insert into stores (store, name, country, hours)
    select 'ST-' || lpad(number::text, 3, '0'), 'Sample store ' || number, 'NO', '24/7'
    from generate_series(1, {{stores}}) as number;

    insert into products (sku, name, price_minor, currency)
    select 'SKU-' || lpad(number::text, 5, '0'), 'Sample ' || number, {PRICE}, 'EUR'
    from generate_series(1, {{skus}}) as number;

    insert into stock_movements (store, sku, kind, on_hand, cause, actor, occurred_at, recorded_at)
    select store, sku, 'count', {ON_HAND}, 'count:sample', 'bench', now(), now()
    from products, stores;

    insert into stock_levels (store, sku, on_hand)
    select store, sku, {ON_HAND} from products, stores;

    insert into customers (id, name, email, created_at, changed_at)
    select 'cus_' || lpad(number::text, 26, '0'), 'Sample', 'sample@example.com', now(), now()
    from generate_series(1, {{members}}) as number;

    insert into loyalty_members (id, customer, available, joined_at)
    select replace(id, 'cus', 'mem'), id, 10 * {{entries}}, now() from customers;

    insert into points_lots (id, member, purchase, line, granted, remaining, earned_at)
    select 'lot_' || number || loyalty_members.id, loyalty_members.id,
        'receipt:' || number || loyalty_members.id,
        'SKU-00001', 10, 10, now()
    from loyalty_members, generate_series(1, {{entries}}) as number;

    insert into points_entries (id, member, kind, source, purchase, occurred_at, recorded_at)
    select 'ent' || substr(id, 4), member, 'earned', purchase, purchase, now(), now()
    from points_lots;

    insert into points_postings (entry, position, account, side, points, lot)
    select 'ent' || substr(id, 4), place.position, place.account, place.side, 10, id
    from points_lots, (values (1, 'issuance', 'debit'), (2, 'available', 'credit'))
        as place (position, account, side);
"""
CREATE_CARTS: Final = f"""
    insert into carts (id, customer, currency, lines, created_at, changed_at)
    select 'crt_' || $1 || substr(id, 5), id, 'EUR',
        (select jsonb_agg(jsonb_build_object(
            'sku', 'SKU-' || lpad(number::text, 5, '0'), 'quantity', 1,
            'seen', jsonb_build_object('amount', {PRICE}, 'currency', 'EUR'),
            'fulfilment', jsonb_build_object('method', 'pickup', 'store', store)))
        from (values (first), (first % $3::int + 1)) as line (number)),
        now(), now()
    from (
        select id, 1 + floor(random() * $3::int)::int as first,
            'ST-' || lpad((1 + floor(random() * $4::int)::int)::text, 3, '0') as store
        from customers order by random() limit $2
    ) as buyer
    on conflict do nothing
"""
SELECT_OPEN_CARTS: Final = "select id, customer from carts where state = 'open' limit $1"
YARDSTICK_TABLES: Final = """
    create table stock_levels (
        sku int, store int, on_hand int not null, held int not null default 0,
        primary key (sku, store)
    ) with (fillfactor = 70);
    insert into stock_levels (sku, store, on_hand)
    select sku, store, 1000000 from generate_series(1, {skus}) as sku,
        generate_series(1, {stores}) as store;
    create table holds (
        id bigint generated always as identity primary key,
        sku int not null, store int not null, quantity int not null,
        held_until timestamptz not null
    );
    create table ledger (
        store text not null, sku text not null, kind text not null, on_hand int not null,
        cause text not null, occurred_at timestamptz not null
    );
"""


async def load_shop(url: str, scale: Scale) -> None:
    """Fill the shop."""
    await execute(url, LOAD_SHOP.format(**msgspec.structs.asdict(scale)))
    await execute(url, "vacuum analyze")


async def load_yardstick(url: str, scale: Scale) -> None:
    """Fill the tables beside the shop that the yardsticks work on."""
    await execute(url, f"create database {YARDSTICK_DATABASE}")
    beside = with_database(url, YARDSTICK_DATABASE)
    await execute(beside, YARDSTICK_TABLES.format(**msgspec.structs.asdict(scale)))
    await execute(beside, "vacuum analyze")


async def create_carts(url: str, scale: Scale, many: int, run: str) -> Mapping[str, str]:
    """Carts of two lines that wait for their checkout, and whose they are."""
    connection = await asyncpg.connect(for_asyncpg(url))
    try:
        await connection.execute(CREATE_CARTS, run, many, scale.skus, scale.stores)
        return dict(await connection.fetch(SELECT_OPEN_CARTS, many))
    finally:
        await connection.close()


async def execute(url: str, statements: str) -> Any:
    connection = await asyncpg.connect(for_asyncpg(url))
    try:
        return await connection.execute(statements, timeout=7200)
    finally:
        await connection.close()
