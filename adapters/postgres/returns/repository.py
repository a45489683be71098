"""Returns, a row each; found by id, by their order, or by location and state."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
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
_SLOTS: Final = ", ".join(f":{name}" for name in FIELDS)
ADD: Final = Statement(f"insert into returns (order_id, {COLUMNS}) values (:order, {_SLOTS})")
KEEP: Final = Statement(f"""
    update returns set ({COLUMNS}) = row({_SLOTS})
    where order_id is not distinct from :order and id = :id
""")
SELECT: Final = f"select order_id, {COLUMNS} from returns"
GET: Final = Statement(f"{SELECT} where id = :id")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
OF_ORDER: Final = Statement(f"{SELECT} where order_id = :order order by id")
OF_STORE: Final = Statement(f"""
    {SELECT} where store = :store and state = any(:names::text[]) and (:after::text is null
        or id > :after)
    order by id limit :limit
""")


class PostgresReturns:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, back: Return) -> None:
        await self._connection.execute(*ADD(order=back.order, **_values(back)))

    async def update(self, back: Return) -> None:
        await self._connection.execute(*KEEP(order=back.order, **_values(back)))

    async def get(self, back: ReturnId) -> Return:
        return _return(await self._connection.fetchrow(*GET(id=back)))

    async def get_for_update(self, back: ReturnId) -> Return:
        return _return(await self._connection.fetchrow(*GET_FOR_UPDATE(id=back)))

    async def list_by_order(self, order: OrderId) -> Sequence[Return]:
        return [_return(row) for row in await self._connection.fetch(*OF_ORDER(order=order))]

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ReturnState],
        *,
        after: ReturnId | None,
        limit: int,
    ) -> Sequence[Return]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(
            *OF_STORE(store=store, names=names, after=after, limit=limit)
        )
        return [_return(row) for row in rows]


def _values(back: Return) -> dict[str, Any]:
    values = {name: getattr(back, name) for name in FIELDS}
    values["channel"] = back.channel.value
    values["state"] = back.state.value
    for name in LISTS:
        values[name] = msgspec.json.encode(values[name]).decode()
    return values


def _return(row: Any) -> Return:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    for name, kind in LISTS.items():
        columns[name] = msgspec.json.decode(columns[name], type=kind)
    return msgspec.convert(columns, Return)
