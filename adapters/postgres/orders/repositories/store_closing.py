"""Open orders and fulfilments at a location."""

from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
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
OPEN: Final = Statement("""
    with orders as (
        select order_id as order, id as group from fulfilments as g where store = :store and (
            state = any(:states::text[]) or exists (
                select from allocations where fulfilment_id = g.id
                    and consumed + released < quantity
            )
        )
    ), claiming as (
        select distinct hold from hold_units where store = :store
    ), coming as (
        select id from transfers where destination = :store and state = 'in_transit'
    )
    select json_build_object(
        'orders_count', (select count(*) from orders),
        'holds_count', (select count(*) from claiming),
        'transfers_count', (select count(*) from coming),
        'orders', array(
            select json_build_object('order', "order", 'group', "group") from orders
            order by "order", "group" limit :limit
        ),
        'holds', array(select hold from claiming order by hold limit :limit),
        'transfers', array(select id from coming order by id limit :limit)
    )
""")
"""Groups under way, and those that are over while goods wait to be put back. A hold whose time is
over is open until it is swept, which is at once; so none is extended at a closed location."""


class PostgresStoreClosing:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get_open_work(self, store: StoreId) -> OpenWork:
        told = await self._connection.fetchval(*OPEN(store=store, limit=MAX_LISTED, states=HERE))
        return msgspec.json.decode(told, type=OpenWork)
