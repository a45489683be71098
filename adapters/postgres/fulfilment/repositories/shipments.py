"""Shipments, a row each; found by id, by their order, or by location and state."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.shipments import Parcel, Shipment, ShipmentState
from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, ShipmentId, StoreId

FIELDS: Final = tuple(name for name in Shipment.__struct_fields__ if name != "order")
COLUMNS: Final = ", ".join(FIELDS)
_SLOTS: Final = ", ".join(f":{name}" for name in FIELDS)
ADD: Final = Statement(f"insert into shipments (order_id, {COLUMNS}) values (:order, {_SLOTS})")
KNOWN_BY: Final = Statement("""
    insert into order_search_terms (kind, term, order_id)
    select 'tracking', parcel ->> 'tracking_number', :order
    from jsonb_array_elements(:parcels::jsonb) as parcel
    on conflict do nothing
""")
KEEP: Final = Statement(f"""
    with known_by as ({KNOWN_BY})
    update shipments set ({COLUMNS}) = row({_SLOTS}) where order_id = :order and id = :id
""")
SELECT: Final = f"select order_id, {COLUMNS} from shipments"
GET: Final = Statement(f"{SELECT} where id = :shipment")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
OF_ORDER: Final = Statement(f"{SELECT} where order_id = :order order by id")
OF_ORDER_FOR_UPDATE: Final = Statement(f"{OF_ORDER} for update")
OF_STORE: Final = Statement(f"""
    {SELECT} where store = :store and state = any(:names::text[]) and (:after::text is null
        or id > :after)
    order by id limit :limit
""")


class PostgresShipments:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, *shipments: Shipment) -> None:
        rows = [ADD.arguments(order=shipment.order, **_values(shipment)) for shipment in shipments]
        if rows:
            await self._connection.executemany(ADD.sql, rows)

    async def update(self, shipment: Shipment) -> None:
        await self._connection.execute(*KEEP(order=shipment.order, **_values(shipment)))

    async def get(self, shipment: ShipmentId) -> Shipment:
        return shipment_of(await self._connection.fetchrow(*GET(shipment=shipment)))

    async def get_for_update(self, shipment: ShipmentId) -> Shipment:
        row = await self._connection.fetchrow(*GET_FOR_UPDATE(shipment=shipment))
        return shipment_of(row)

    async def list_by_order(self, order: OrderId) -> Sequence[Shipment]:
        return [shipment_of(row) for row in await self._connection.fetch(*OF_ORDER(order=order))]

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ShipmentState],
        *,
        after: ShipmentId | None,
        limit: int,
    ) -> Sequence[Shipment]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(
            *OF_STORE(store=store, names=names, after=after, limit=limit)
        )
        return [shipment_of(row) for row in rows]


def _values(shipment: Shipment) -> dict[str, Any]:
    values = {name: getattr(shipment, name) for name in FIELDS}
    values["state"] = shipment.state.value
    values["lines"] = msgspec.json.encode(shipment.lines).decode()
    values["parcels"] = msgspec.json.encode(shipment.parcels).decode()
    return values


def shipment_of(row: Any) -> Shipment:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    columns["lines"] = msgspec.json.decode(columns["lines"], type=list[FulfilmentLine])
    columns["parcels"] = msgspec.json.decode(columns["parcels"], type=list[Parcel])
    return msgspec.convert(columns, Shipment)
