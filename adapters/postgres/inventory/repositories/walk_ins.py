"""Stock reserved for walk-ins: each store's policy, and the safety stock set by hand."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from adapters.postgres.db.columns import columns
from domain.inventory.stock_levels import StockKey
from domain.inventory.walk_ins import HOUR, LOOKBACK_WEEKS, WalkInPolicy, WalkInTurn
from domain.kernel.ids import Sku, StoreId

DECIDE: Final = """
    insert into walk_in_policies (store, active, floor, cap) values ($1, $2, $3, $4)
    on conflict (store) do update set
        active = excluded.active, floor = excluded.floor, cap = excluded.cap, raised_for = null
"""
POLICY: Final = "select active, floor, cap from walk_in_policies where store = $1"
TAKE_TURN: Final = """
    select policy.store, active, floor, cap, hour
    from walk_in_policies as policy join stores using (store),
        lateral (select date_trunc('hour', $1::timestamptz at time zone time_zone) as hour) as now
    where raised_for is distinct from hour and (
        active or exists (select from walk_in_safety_stock
        where walk_in_safety_stock.store = policy.store)
    )
    order by raised_for nulls first, policy.store limit 1
    for update of policy skip locked
"""
EXPECTED: Final = """
    with week as (
        select n, ($2::timestamp - n * interval '7 days') at time zone time_zone as since
        from stores, generate_series(1, $3) as n where store = $1
    ), sold as (
        select sku, n, -sum(on_hand) as units
        from stock_movements join week on occurred_at >= since
            and occurred_at < since + $4::interval
        where store = $1 and kind = 'sale'
        group by sku, n
    )
    select sku, ceil(sum(units) / (select count(distinct n) from sold))::int from sold group by sku
"""
"""The average is over the weeks in which the store sold anything in that hour."""
BY_HAND: Final = "select sku, manual_safety_stock from walk_in_safety_stock where store = $1"
KEPT: Final = "update walk_in_policies set raised_for = $2 where store = $1"
LOWERED: Final = "delete from walk_in_safety_stock where store = $1 and sku <> all($2::text[])"
RAISED: Final = """
    insert into walk_in_safety_stock (store, sku, manual_safety_stock)
    select $1, * from unnest($2::text[], $3::int[])
    on conflict do nothing
"""
FORGET: Final = """
    delete from walk_in_safety_stock using unnest($1::text[], $2::text[]) as told (store, sku)
    where (walk_in_safety_stock.store, walk_in_safety_stock.sku) = (told.store, told.sku)
"""


class PostgresWalkInDemand:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def set_policy(self, store: StoreId, policy: WalkInPolicy) -> None:
        values = (policy.active, policy.floor, policy.cap)
        await self._connection.execute(DECIDE, store, *values)

    async def get_policy(self, store: StoreId) -> WalkInPolicy:
        row = await self._connection.fetchrow(POLICY, store)
        return WalkInPolicy(**row) if row else WalkInPolicy()

    async def lock_next_turn(self) -> WalkInTurn | None:
        row = await self._connection.fetchrow(TAKE_TURN, self._now)
        if row is None:
            return None
        store, active, floor, cap, hour = row
        return WalkInTurn(store, WalkInPolicy(active=active, floor=floor, cap=cap), hour)

    async def get_expected(self, turn: WalkInTurn) -> dict[Sku, int]:
        rows = await self._connection.fetch(EXPECTED, turn.store, turn.hour, LOOKBACK_WEEKS, HOUR)
        return dict(map(tuple, rows))

    async def get_manual(self, store: StoreId) -> dict[Sku, int]:
        return dict(map(tuple, await self._connection.fetch(BY_HAND, store)))

    async def save(self, turn: WalkInTurn, raised: Mapping[Sku, int]) -> None:
        await self._connection.execute(LOWERED, turn.store, list(raised))
        await self._connection.execute(RAISED, turn.store, list(raised), list(raised.values()))
        await self._connection.execute(KEPT, turn.store, turn.hour)

    async def purge(self, places: Collection[StockKey]) -> None:
        await self._connection.execute(FORGET, *columns(sorted(places), 2))
