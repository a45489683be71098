"""Holds, a row each, and a row for each stock level that an active hold claims."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.holds import Hold, HoldLine, HoldState
from domain.inventory.stock_levels import StockKey
from domain.kernel.errors import NotFound
from domain.kernel.ids import CartId, CustomerId, HoldId, MemberId, Sku

COLUMNS: Final = "id, state, lines, units, created_at, held_until, customer, cart, channel"
CLAIM: Final = Statement("""
    insert into hold_units (hold, store, sku, customer, quantity, held_until)
    select * from unnest(
        :unit_holds::text[], :unit_stores::text[], :unit_skus::text[], :unit_customers::text[],
            :unit_quantities::int[], :unit_ends::timestamptz[]
    )
""")
ADD: Final = Statement(f"""
    with added as (
        insert into holds ({COLUMNS})
        select id, state, lines::jsonb, units::jsonb, created_at, held_until, customer, cart,
            channel
        from unnest(
            :ids::text[], :states::text[], :lines::text[], :units::text[],
                :created_ats::timestamptz[],
            :held_untils::timestamptz[], :customers::text[], :carts::text[], :channels::text[]
        ) as hold ({COLUMNS})
    )
    {CLAIM}
""")
LET_GO: Final = Statement("delete from hold_units where hold = :id")
CLOSE: Final = Statement("update holds set state = :state where id = any(:holds::text[])")
LET_ALL_GO: Final = Statement("delete from hold_units where hold = any(:holds::text[])")
KEEP: Final = Statement("""
    update holds set state = :state, lines = :lines, units = :units, held_until = :held_until,
        attempt = :attempt,
        pinned_until = :pinned_until, customer = :customer
    where id = :id
""")
FIELDS: Final = f"{COLUMNS}, attempt, pinned_until"
SELECT: Final = f"select {FIELDS} from holds"
GET: Final = Statement(f"{SELECT} where id = :hold")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
TAKE_ALL: Final = Statement(f"{SELECT} where id = any(:holds::text[]) order by id for update")
OF_MEMBERS: Final = Statement(f"""
    select loyalty_members.id as member, {", ".join(f"holds.{name}" for name in FIELDS.split(", "))}
    from holds join loyalty_members on loyalty_members.customer = holds.customer
    where loyalty_members.id = any(:members::text[]) and state = 'active' and held_until > :now
        and (pinned_until is null or pinned_until <= :now)
        and exists (
            select from hold_units
            join unnest(:stores::text[], :skus::text[]) as place (store, sku) using (store, sku)
            where hold = holds.id
        )
    order by holds.id
    for update of holds
""")
LAPSED: Final = Statement(f"""
    {SELECT} where state = 'active' and held_until <= :now
    order by held_until limit :limit for update skip locked
""")
OF_CARTS: Final = Statement(f"""
    {SELECT} where state = 'active'
        and id in (select hold from carts where carts.id = any(:carts::text[]))
    order by id for update
""")
LOCK_CUSTOMERS: Final = Statement("""
    select id from customers where id = any(:customers::text[]) order by id for no key update
""")
ENDING: Final = Statement("""
    select sku, min(held_until) from hold_units
    where held_until > :after and held_until <= :until and (:skus::text[] is null
        or sku = any(:skus))
    group by sku
""")
ENDS: Final = Statement("""
    select id, held_until from holds
    where id = any(:holds::text[]) and state = 'active' and held_until > :now
        and held_until <= :until
""")
HELD_BY: Final = Statement("""
    select customer, sku, sum(quantity)::int as units from hold_units
    where customer = any(:customers::text[]) and sku = any(:skus::text[]) and held_until > :now
    group by customer, sku
""")


class PostgresHolds:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, holds: Collection[Hold]) -> None:
        units, rows = columns(_units(holds), 6), columns(map(_row, holds), 9)
        await self._connection.execute(*ADD(*rows, *units))

    async def get(self, hold: HoldId) -> Hold:
        return _hold(await self._connection.fetchrow(*GET(hold=hold)))

    async def get_for_update(self, hold: HoldId) -> Hold:
        return _hold(await self._connection.fetchrow(*GET_FOR_UPDATE(hold=hold)))

    async def get_many_for_update(self, holds: Collection[HoldId]) -> dict[HoldId, Hold]:
        rows = await self._connection.fetch(*TAKE_ALL(holds=list(holds)))
        return {row["id"]: _hold(row) for row in rows}

    async def update(self, hold: Hold) -> None:
        lines, units = (_text(value) for value in (hold.lines, hold.units))
        await self._connection.execute(
            *KEEP(
                id=hold.id,
                state=hold.state.value,
                lines=lines,
                units=units,
                held_until=hold.held_until,
                attempt=hold.attempt,
                pinned_until=hold.pinned_until,
                customer=hold.customer,
            ),
        )
        await self._connection.execute(*LET_GO(id=hold.id))
        await self._connection.execute(*CLAIM(*columns(_units([hold]), 6)))

    async def close(self, holds: Collection[HoldId], state: HoldState) -> None:
        await self._connection.execute(*CLOSE(holds=list(holds), state=state.value))
        await self._connection.execute(*LET_ALL_GO(holds=list(holds)))

    async def get_by_members_for_update(
        self, members: Collection[MemberId], places: Collection[StockKey]
    ) -> list[tuple[MemberId, Hold]]:
        stores, skus = columns(places, 2)
        rows = await self._connection.fetch(
            *OF_MEMBERS(members=list(members), stores=stores, skus=skus, now=self._now)
        )
        return [(row["member"], _hold(list(row.items())[1:])) for row in rows]

    async def get_by_carts_for_update(self, carts: Collection[CartId]) -> list[Hold]:
        return [_hold(row) for row in await self._connection.fetch(*OF_CARTS(carts=list(carts)))]

    async def get_lapsed_for_update(self, now: datetime, limit: int) -> list[Hold]:
        return [_hold(row) for row in await self._connection.fetch(*LAPSED(now=now, limit=limit))]

    async def list_ending(
        self, after: datetime, until: datetime, skus: Collection[Sku] | None = None
    ) -> dict[Sku, datetime]:
        wanted = None if skus is None else list(skus)
        return dict(await self._connection.fetch(*ENDING(after=after, until=until, skus=wanted)))

    async def get_ends(
        self, holds: Collection[HoldId], *, until: datetime
    ) -> dict[HoldId, datetime]:
        query = ENDS(holds=list(holds), now=self._now, until=until)
        return dict(await self._connection.fetch(*query))

    async def sum_held_by(
        self, customers: Collection[CustomerId], skus: Collection[Sku]
    ) -> dict[tuple[CustomerId, Sku], int]:
        if not customers:
            return {}
        await self._connection.execute(*LOCK_CUSTOMERS(customers=list(customers)))
        rows = await self._connection.fetch(
            *HELD_BY(customers=list(customers), skus=list(skus), now=self._now)
        )
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
