"""Returns, a row each; found by id, by their order, or by location and state."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.payments.refunds import Refund
from domain.returns.dispositions import DispositionProposal
from domain.returns.returns import Return, ReturnLine, ReturnState

LISTS: Final = {
    "lines": list[ReturnLine],
    "refunds": list[Refund],
    "proposals": list[DispositionProposal],
}
FIELDS: Final = tuple(name for name in Return.__struct_fields__ if name != "order")
COLUMNS: Final = ", ".join(f'"{name}"' for name in FIELDS)
_SLOTS: Final = ", ".join(f"${position}" for position in range(2, len(FIELDS) + 2))
ADD: Final = f"insert into returns (order_id, {COLUMNS}) values ($1, {_SLOTS})"
KEEP: Final = f"""
    update returns set ({COLUMNS}) = row({_SLOTS})
    where order_id is not distinct from $1 and id = $2
"""
SELECT: Final = f"select order_id, {COLUMNS} from returns"
OF_ORDER: Final = f"{SELECT} where order_id = $1 order by id"
OF_STORE: Final = f"""
    {SELECT} where store = $1 and state = any($2::text[]) and ($3::text is null or id > $3)
    order by id limit $4
"""


class PostgresReturns:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, back: Return) -> None:
        await self._connection.execute(ADD, back.order, *_values(back))

    async def update(self, back: Return) -> None:
        await self._connection.execute(KEEP, back.order, *_values(back))

    async def get(self, back: ReturnId) -> Return:
        return _return(await self._connection.fetchrow(f"{SELECT} where id = $1", back))

    async def get_for_update(self, back: ReturnId) -> Return:
        return _return(await self._connection.fetchrow(f"{SELECT} where id = $1 for update", back))

    async def list_by_order(self, order: OrderId) -> Sequence[Return]:
        return [_return(row) for row in await self._connection.fetch(OF_ORDER, order)]

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ReturnState],
        *,
        after: ReturnId | None,
        limit: int,
    ) -> Sequence[Return]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(OF_STORE, store, names, after, limit)
        return [_return(row) for row in rows]


def _values(back: Return) -> list[Any]:
    values = {name: getattr(back, name) for name in FIELDS}
    values["channel"] = back.channel.value
    values["state"] = back.state.value
    for name in LISTS:
        values[name] = msgspec.json.encode(values[name]).decode()
    return list(values.values())


def _return(row: Any) -> Return:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    for name, kind in LISTS.items():
        columns[name] = msgspec.json.decode(columns[name], type=kind)
    return msgspec.convert(columns, Return)
