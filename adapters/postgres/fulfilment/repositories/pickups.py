"""Pickups, a row each; found by id, by store and state, or by the hash of their code."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.pickups import Pickup, PickupState
from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, PickupId, StoreId

FIELDS: Final = tuple(name for name in Pickup.__struct_fields__ if name != "order")
COLUMNS: Final = ", ".join(FIELDS)
_SLOTS: Final = ", ".join(f"${position}" for position in range(2, len(FIELDS) + 2))
ADD: Final = f"insert into pickups (order_id, {COLUMNS}) values ($1, {_SLOTS})"
KEEP: Final = f"update pickups set ({COLUMNS}) = row({_SLOTS}) where order_id = $1 and id = $2"
SELECT: Final = f"select order_id, {COLUMNS} from pickups"
OF_STORE: Final = f"""
    {SELECT} where store = $1 and state = any($2::text[]) and ($3::text is null or id > $3)
    order by id limit $4
"""
BY_CODE: Final = f"""
    {SELECT} where code_hash = $1 order by state = 'ready' desc, changed_at desc limit 1
"""
OF_ORDER: Final = f"{SELECT} where order_id = $1 order by id"
OVERDUE: Final = """
    select id from pickups where state = 'ready' and collect_by < $1 order by collect_by limit $2
"""


class PostgresPickups:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, *pickups: Pickup) -> None:
        rows = [(pickup.order, *_values(pickup)) for pickup in pickups]
        if rows:
            await self._connection.executemany(ADD, rows)

    async def update(self, pickup: Pickup) -> None:
        await self._connection.execute(KEEP, pickup.order, *_values(pickup))

    async def get(self, pickup: PickupId) -> Pickup:
        return pickup_of(await self._connection.fetchrow(f"{SELECT} where id = $1", pickup))

    async def get_for_update(self, pickup: PickupId) -> Pickup:
        row = await self._connection.fetchrow(f"{SELECT} where id = $1 for update", pickup)
        return pickup_of(row)

    async def find_by_code(self, code_hash: bytes) -> Pickup | None:
        row = await self._connection.fetchrow(BY_CODE, code_hash)
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
        rows = await self._connection.fetch(OF_STORE, store, names, after, limit)
        return [pickup_of(row) for row in rows]

    async def list_by_order(self, order: OrderId) -> Sequence[Pickup]:
        return [pickup_of(row) for row in await self._connection.fetch(OF_ORDER, order)]

    async def list_overdue(self, now: datetime, limit: int) -> list[PickupId]:
        return [row["id"] for row in await self._connection.fetch(OVERDUE, now, limit)]


def _values(pickup: Pickup) -> list[Any]:
    values = {name: getattr(pickup, name) for name in FIELDS}
    values["state"] = pickup.state.value
    values["lines"] = msgspec.json.encode(pickup.lines).decode()
    return list(values.values())


def pickup_of(row: Any) -> Pickup:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    columns["lines"] = msgspec.json.decode(columns["lines"], type=list[FulfilmentLine])
    return msgspec.convert(columns, Pickup)
