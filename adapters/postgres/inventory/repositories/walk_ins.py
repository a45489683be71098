"""Stock reserved for walk-ins: each store's policy, and the safety stock set by hand."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.stock_levels import StockKey
from domain.inventory.walk_ins import HOUR, LOOKBACK_WEEKS, WalkInPolicy, WalkInTurn
from domain.kernel.ids import Sku, StoreId

DECIDE: Final = Statement("""
    insert into walk_in_policies (store, active, floor, cap) values (:store, :active, :floor, :cap)
    on conflict (store) do update set
        active = excluded.active, floor = excluded.floor, cap = excluded.cap, raised_for = null
""")
POLICY: Final = Statement("select active, floor, cap from walk_in_policies where store = :store")
TAKE_TURN: Final = Statement("""
    select policy.store, active, floor, cap, hour
    from walk_in_policies as policy join stores using (store),
        lateral (select date_trunc('hour', :now::timestamptz at time zone time_zone) as hour) as now
    where raised_for is distinct from hour and (
        active or exists (select from walk_in_safety_stock
        where walk_in_safety_stock.store = policy.store)
    )
    order by raised_for nulls first, policy.store limit 1
    for update of policy skip locked
""")
EXPECTED: Final = Statement("""
    with week as (
        select n, (:hour::timestamp - n * interval '7 days') at time zone time_zone as since
        from stores, generate_series(1, :weeks) as n where store = :store
    ), sold as (
        select sku, n, -sum(on_hand) as units
        from stock_movements join week on occurred_at >= since
            and occurred_at < since + :span::interval
        where store = :store and kind = 'sale'
        group by sku, n
    )
    select sku, ceil(sum(units) / (select count(distinct n) from sold))::int from sold group by sku
""")
"""The average is over the weeks in which the store sold anything in that hour."""
BY_HAND: Final = Statement(
    "select sku, manual_safety_stock from walk_in_safety_stock where store = :store"
)
KEPT: Final = Statement("update walk_in_policies set raised_for = :hour where store = :store")
LOWERED: Final = Statement(
    "delete from walk_in_safety_stock where store = :store and sku <> all(:skus::text[])"
)
RAISED: Final = Statement("""
    insert into walk_in_safety_stock (store, sku, manual_safety_stock)
    select :store, * from unnest(:skus::text[], :units::int[])
    on conflict do nothing
""")
FORGET: Final = Statement("""
    delete from walk_in_safety_stock using unnest(:stores::text[], :skus::text[])
        as told (store, sku)
    where (walk_in_safety_stock.store, walk_in_safety_stock.sku) = (told.store, told.sku)
""")


class PostgresWalkInDemand:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def set_policy(self, store: StoreId, policy: WalkInPolicy) -> None:
        values = (policy.active, policy.floor, policy.cap)
        await self._connection.execute(*DECIDE(*values, store=store))

    async def get_policy(self, store: StoreId) -> WalkInPolicy:
        row = await self._connection.fetchrow(*POLICY(store=store))
        return WalkInPolicy(**row) if row else WalkInPolicy()

    async def lock_next_turn(self) -> WalkInTurn | None:
        row = await self._connection.fetchrow(*TAKE_TURN(now=self._now))
        if row is None:
            return None
        store, active, floor, cap, hour = row
        return WalkInTurn(store, WalkInPolicy(active=active, floor=floor, cap=cap), hour)

    async def get_expected(self, turn: WalkInTurn) -> dict[Sku, int]:
        rows = await self._connection.fetch(
            *EXPECTED(store=turn.store, hour=turn.hour, weeks=LOOKBACK_WEEKS, span=HOUR)
        )
        return dict(map(tuple, rows))

    async def get_manual(self, store: StoreId) -> dict[Sku, int]:
        return dict(map(tuple, await self._connection.fetch(*BY_HAND(store=store))))

    async def save(self, turn: WalkInTurn, raised: Mapping[Sku, int]) -> None:
        await self._connection.execute(*LOWERED(store=turn.store, skus=list(raised)))
        await self._connection.execute(
            *RAISED(store=turn.store, skus=list(raised), units=list(raised.values()))
        )
        await self._connection.execute(*KEPT(store=turn.store, hour=turn.hour))

    async def purge(self, places: Collection[StockKey]) -> None:
        await self._connection.execute(*FORGET(*columns(sorted(places), 2)))
