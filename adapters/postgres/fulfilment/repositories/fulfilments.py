"""The SQL that pickups and shipments have in common."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from adapters.postgres.fulfilment.repositories import pickups, shipments
from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.pickups import Pickup
from domain.fulfilment.shipments import Parcel, Shipment
from domain.kernel.ids import OrderId
from domain.orders.progress import FulfilmentState

PROGRESS: Final = Statement("""
    select id, order_id as order, state, lines, '[]' as parcels
    from pickups where order_id = any(:orders::text[])
    union all
    select id, order_id, state, lines, parcels from shipments where order_id = any(:orders::text[])
""")


class PostgresFulfilmentProgress:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get_by_orders(self, orders: Collection[OrderId]) -> Sequence[FulfilmentState]:
        return [
            _progress(row) for row in await self._connection.fetch(*PROGRESS(orders=list(orders)))
        ]

    async def get_for_update(self, order: OrderId) -> list[Pickup | Shipment]:
        collected = await self._connection.fetch(*pickups.OF_ORDER_FOR_UPDATE(order=order))
        sent = await self._connection.fetch(*shipments.OF_ORDER_FOR_UPDATE(order=order))
        return [*map(pickups.pickup_of, collected), *map(shipments.shipment_of, sent)]


def _progress(row: Any) -> FulfilmentState:
    lines = msgspec.json.decode(row["lines"], type=list[FulfilmentLine])
    parcels = msgspec.json.decode(row["parcels"], type=list[Parcel])
    return FulfilmentState(row["id"], row["order"], row["state"], lines, parcels)
