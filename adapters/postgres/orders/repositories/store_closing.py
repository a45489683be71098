"""Open orders and fulfilments at a location."""

from typing import Any, Final

import msgspec

from domain.fulfilment import pickups, shipments
from domain.kernel.ids import StoreId
from domain.orders.store_closing import MAX_LISTED, OpenWork

HERE: Final = sorted(
    {
        state.value
        for kind in (pickups, shipments)
        for state, moves in kind.TRANSITIONS.items()
        if "cancelled" in moves
    }
)
OPEN: Final = """
    with orders as (
        select order_id as order, id as group from fulfilments as g where store = $1 and (
            state = any($3::text[]) or exists (
                select from allocations where fulfilment_id = g.id
                    and consumed + released < quantity
            )
        )
    ), claiming as (
        select distinct hold from hold_units where store = $1
    ), coming as (
        select id from transfers where destination = $1 and state = 'in_transit'
    )
    select json_build_object(
        'orders_count', (select count(*) from orders),
        'holds_count', (select count(*) from claiming),
        'transfers_count', (select count(*) from coming),
        'orders', array(
            select json_build_object('order', "order", 'group', "group") from orders
            order by "order", "group" limit $2
        ),
        'holds', array(select hold from claiming order by hold limit $2),
        'transfers', array(select id from coming order by id limit $2)
    )
"""
"""Groups under way, and those that are over while goods wait to be put back. A hold whose time is
over is open until it is swept, which is at once; so none is extended at a closed location."""


class PostgresStoreClosing:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get_open_work(self, store: StoreId) -> OpenWork:
        told = await self._connection.fetchval(OPEN, store, MAX_LISTED, HERE)
        return msgspec.json.decode(told, type=OpenWork)
