"""Holds, a row each, and a row for each stock level that an active hold claims."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from domain.inventory.holds import Hold, HoldLine, HoldState
from domain.inventory.stock_levels import StockKey
from domain.kernel.errors import NotFound
from domain.kernel.ids import CartId, CustomerId, HoldId, MemberId, Sku

COLUMNS: Final = "id, state, lines, units, created_at, held_until, customer, cart, channel"
CLAIM: Final = """
    insert into hold_units (hold, store, sku, customer, quantity, held_until)
    select * from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::timestamptz[]
    )
"""
ADD: Final = f"""
    with added as (
        insert into holds ({COLUMNS})
        select id, state, lines::jsonb, units::jsonb, created_at, held_until, customer, cart,
            channel
        from unnest(
            $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[],
            $12::timestamptz[], $13::text[], $14::text[], $15::text[]
        ) as hold ({COLUMNS})
    )
    {CLAIM}
"""
LET_GO: Final = "delete from hold_units where hold = $1"
CLOSE: Final = "update holds set state = $2 where id = any($1::text[])"
LET_ALL_GO: Final = "delete from hold_units where hold = any($1::text[])"
KEEP: Final = """
    update holds set state = $2, lines = $3, units = $4, held_until = $5, attempt = $6,
        pinned_until = $7, customer = $8
    where id = $1
"""
FIELDS: Final = f"{COLUMNS}, attempt, pinned_until"
SELECT: Final = f"select {FIELDS} from holds"
TAKE_ALL: Final = f"{SELECT} where id = any($1::text[]) order by id for update"
OF_MEMBERS: Final = f"""
    select loyalty_members.id as member, {", ".join(f"holds.{name}" for name in FIELDS.split(", "))}
    from holds join loyalty_members on loyalty_members.customer = holds.customer
    where loyalty_members.id = any($1::text[]) and state = 'active' and held_until > $4
        and (pinned_until is null or pinned_until <= $4)
        and exists (
            select from hold_units
            join unnest($2::text[], $3::text[]) as place (store, sku) using (store, sku)
            where hold = holds.id
        )
    order by holds.id
    for update of holds
"""
LAPSED: Final = f"""
    {SELECT} where state = 'active' and held_until <= $1
    order by held_until limit $2 for update skip locked
"""
OF_CARTS: Final = f"""
    {SELECT} where state = 'active'
        and id in (select hold from carts where carts.id = any($1::text[]))
    order by id for update
"""
LOCK_CUSTOMERS: Final = """
    select id from customers where id = any($1::text[]) order by id for no key update
"""
ENDING: Final = """
    select sku, min(held_until) from hold_units
    where held_until > $1 and held_until <= $2 and ($3::text[] is null or sku = any($3))
    group by sku
"""
ENDS: Final = """
    select id, held_until from holds
    where id = any($1::text[]) and state = 'active' and held_until > $2 and held_until <= $3
"""
HELD_BY: Final = """
    select customer, sku, sum(quantity)::int as units from hold_units
    where customer = any($1::text[]) and sku = any($2::text[]) and held_until > $3
    group by customer, sku
"""


class PostgresHolds:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, holds: Collection[Hold]) -> None:
        units, rows = columns(_units(holds), 6), columns(map(_row, holds), 9)
        await self._connection.execute(ADD, *units, *rows)

    async def get(self, hold: HoldId) -> Hold:
        return _hold(await self._connection.fetchrow(f"{SELECT} where id = $1", hold))

    async def get_for_update(self, hold: HoldId) -> Hold:
        return _hold(await self._connection.fetchrow(f"{SELECT} where id = $1 for update", hold))

    async def get_many_for_update(self, holds: Collection[HoldId]) -> dict[HoldId, Hold]:
        rows = await self._connection.fetch(TAKE_ALL, list(holds))
        return {row["id"]: _hold(row) for row in rows}

    async def update(self, hold: Hold) -> None:
        lines, units = (_text(value) for value in (hold.lines, hold.units))
        await self._connection.execute(
            KEEP,
            hold.id,
            hold.state.value,
            lines,
            units,
            hold.held_until,
            hold.attempt,
            hold.pinned_until,
            hold.customer,
        )
        await self._connection.execute(LET_GO, hold.id)
        await self._connection.execute(CLAIM, *columns(_units([hold]), 6))

    async def close(self, holds: Collection[HoldId], state: HoldState) -> None:
        await self._connection.execute(CLOSE, list(holds), state.value)
        await self._connection.execute(LET_ALL_GO, list(holds))

    async def get_by_members_for_update(
        self, members: Collection[MemberId], places: Collection[StockKey]
    ) -> list[tuple[MemberId, Hold]]:
        stores, skus = columns(places, 2)
        rows = await self._connection.fetch(OF_MEMBERS, list(members), stores, skus, self._now)
        return [(row["member"], _hold(list(row.items())[1:])) for row in rows]

    async def get_by_carts_for_update(self, carts: Collection[CartId]) -> list[Hold]:
        return [_hold(row) for row in await self._connection.fetch(OF_CARTS, list(carts))]

    async def get_lapsed_for_update(self, now: datetime, limit: int) -> list[Hold]:
        return [_hold(row) for row in await self._connection.fetch(LAPSED, now, limit)]

    async def list_ending(
        self, after: datetime, until: datetime, skus: Collection[Sku] | None = None
    ) -> dict[Sku, datetime]:
        wanted = None if skus is None else list(skus)
        return dict(await self._connection.fetch(ENDING, after, until, wanted))

    async def get_ends(
        self, holds: Collection[HoldId], *, until: datetime
    ) -> dict[HoldId, datetime]:
        return dict(await self._connection.fetch(ENDS, list(holds), self._now, until))

    async def sum_held_by(
        self, customers: Collection[CustomerId], skus: Collection[Sku]
    ) -> dict[tuple[CustomerId, Sku], int]:
        if not customers:
            return {}
        await self._connection.execute(LOCK_CUSTOMERS, list(customers))
        rows = await self._connection.fetch(HELD_BY, list(customers), list(skus), self._now)
        return {(customer, sku): units for customer, sku, units in rows}


def _units(holds: Collection[Hold]) -> list[tuple[Any, ...]]:
    """Returns a row for each stock level that a hold claims."""
    return [
        (hold.id, store, sku, hold.customer, units, hold.held_until)
        for hold in holds
        for (store, sku), units in hold.units_by_key.items()
    ]


def _row(hold: Hold) -> tuple[Any, ...]:
    return (
        hold.id,
        hold.state.value,
        _text(hold.lines),
        _text(hold.units),
        hold.created_at,
        hold.held_until,
        hold.customer,
        hold.cart,
        hold.channel,
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _hold(row: Any) -> Hold:
    if row is None:
        raise NotFound
    fields = dict(row)
    fields["lines"] = msgspec.json.decode(fields["lines"], type=list[HoldLine])
    fields["units"] = msgspec.json.decode(fields["units"], type=dict[str, dict[Sku, int]])
    return msgspec.convert(fields, Hold)
