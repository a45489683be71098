"""Pickups, a row each; found by id, by store and state, or by the hash of their code."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.pickups import Pickup, PickupState
from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, PickupId, StoreId

FIELDS: Final = tuple(name for name in Pickup.__struct_fields__ if name != "order")
COLUMNS: Final = ", ".join(FIELDS)
_SLOTS: Final = ", ".join(f":{name}" for name in FIELDS)
ADD: Final = Statement(f"insert into pickups (order_id, {COLUMNS}) values (:order, {_SLOTS})")
KEEP: Final = Statement(
    f"update pickups set ({COLUMNS}) = row({_SLOTS}) where order_id = :order and id = :id"
)
SELECT: Final = f"select order_id, {COLUMNS} from pickups"
GET: Final = Statement(f"{SELECT} where id = :pickup")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
OF_STORE: Final = Statement(f"""
    {SELECT} where store = :store and state = any(:names::text[]) and (:after::text is null
        or id > :after)
    order by id limit :limit
""")
BY_CODE: Final = Statement(f"""
    {SELECT} where code_hash = :code_hash order by state = 'ready' desc, changed_at desc limit 1
""")
OF_ORDER: Final = Statement(f"{SELECT} where order_id = :order order by id")
OF_ORDER_FOR_UPDATE: Final = Statement(f"{OF_ORDER} for update")
OVERDUE: Final = Statement("""
    select id from pickups where state = 'ready' and collect_by < :now
    order by collect_by limit :limit
""")


class PostgresPickups:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, *pickups: Pickup) -> None:
        rows = [ADD.arguments(order=pickup.order, **_values(pickup)) for pickup in pickups]
        if rows:
            await self._connection.executemany(ADD.sql, rows)

    async def update(self, pickup: Pickup) -> None:
        await self._connection.execute(*KEEP(order=pickup.order, **_values(pickup)))

    async def get(self, pickup: PickupId) -> Pickup:
        return pickup_of(await self._connection.fetchrow(*GET(pickup=pickup)))

    async def get_for_update(self, pickup: PickupId) -> Pickup:
        row = await self._connection.fetchrow(*GET_FOR_UPDATE(pickup=pickup))
        return pickup_of(row)

    async def find_by_code(self, code_hash: bytes) -> Pickup | None:
        row = await self._connection.fetchrow(*BY_CODE(code_hash=code_hash))
        return pickup_of(row) if row else None

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[PickupState],
        *,
        after: PickupId | None,
        limit: int,
    ) -> Sequence[Pickup]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(
            *OF_STORE(store=store, names=names, after=after, limit=limit)
        )
        return [pickup_of(row) for row in rows]

    async def list_by_order(self, order: OrderId) -> Sequence[Pickup]:
        return [pickup_of(row) for row in await self._connection.fetch(*OF_ORDER(order=order))]

    async def list_overdue(self, now: datetime, limit: int) -> list[PickupId]:
        return [row["id"] for row in await self._connection.fetch(*OVERDUE(now=now, limit=limit))]


def _values(pickup: Pickup) -> dict[str, Any]:
    values = {name: getattr(pickup, name) for name in FIELDS}
    values["state"] = pickup.state.value
    values["lines"] = msgspec.json.encode(pickup.lines).decode()
    return values


def pickup_of(row: Any) -> Pickup:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    columns["lines"] = msgspec.json.decode(columns["lines"], type=list[FulfilmentLine])
    return msgspec.convert(columns, Pickup)
