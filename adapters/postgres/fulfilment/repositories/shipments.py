"""Shipments, a row each; found by id, by their order, or by location and state."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.shipments import Parcel, Shipment, ShipmentState
from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, ShipmentId, StoreId

FIELDS: Final = tuple(name for name in Shipment.__struct_fields__ if name != "order")
COLUMNS: Final = ", ".join(FIELDS)
_SLOTS: Final = ", ".join(f"${position}" for position in range(2, len(FIELDS) + 2))
ADD: Final = f"insert into shipments (order_id, {COLUMNS}) values ($1, {_SLOTS})"
_PARCELS: Final = f"${FIELDS.index('parcels') + 2}::jsonb"
KNOWN_BY: Final = f"""
    insert into order_search_terms (kind, term, order_id)
    select 'tracking', parcel ->> 'tracking_number', $1
    from jsonb_array_elements({_PARCELS}) as parcel
    on conflict do nothing
"""
KEEP: Final = f"""
    with known_by as ({KNOWN_BY})
    update shipments set ({COLUMNS}) = row({_SLOTS}) where order_id = $1 and id = $2
"""
SELECT: Final = f"select order_id, {COLUMNS} from shipments"
OF_ORDER: Final = f"{SELECT} where order_id = $1 order by id"
OF_STORE: Final = f"""
    {SELECT} where store = $1 and state = any($2::text[]) and ($3::text is null or id > $3)
    order by id limit $4
"""


class PostgresShipments:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, *shipments: Shipment) -> None:
        rows = [(shipment.order, *_values(shipment)) for shipment in shipments]
        if rows:
            await self._connection.executemany(ADD, rows)

    async def update(self, shipment: Shipment) -> None:
        await self._connection.execute(KEEP, shipment.order, *_values(shipment))

    async def get(self, shipment: ShipmentId) -> Shipment:
        return shipment_of(await self._connection.fetchrow(f"{SELECT} where id = $1", shipment))

    async def get_for_update(self, shipment: ShipmentId) -> Shipment:
        row = await self._connection.fetchrow(f"{SELECT} where id = $1 for update", shipment)
        return shipment_of(row)

    async def list_by_order(self, order: OrderId) -> Sequence[Shipment]:
        return [shipment_of(row) for row in await self._connection.fetch(OF_ORDER, order)]

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ShipmentState],
        *,
        after: ShipmentId | None,
        limit: int,
    ) -> Sequence[Shipment]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(OF_STORE, store, names, after, limit)
        return [shipment_of(row) for row in rows]


def _values(shipment: Shipment) -> list[Any]:
    values = {name: getattr(shipment, name) for name in FIELDS}
    values["state"] = shipment.state.value
    values["lines"] = msgspec.json.encode(shipment.lines).decode()
    values["parcels"] = msgspec.json.encode(shipment.parcels).decode()
    return list(values.values())


def shipment_of(row: Any) -> Shipment:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    columns["lines"] = msgspec.json.decode(columns["lines"], type=list[FulfilmentLine])
    columns["parcels"] = msgspec.json.decode(columns["parcels"], type=list[Parcel])
    return msgspec.convert(columns, Shipment)
