"""Transfers, a row each; found by id, or by the stores they go from and to."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from domain.ids import StoreId, TransferId
from domain.refusals import Missing
from domain.transfers import Transfer, TransferLine, TransferState

COLUMNS: Final = ", ".join(Transfer.__struct_fields__)
_SLOTS: Final = ", ".join(f"${n}" for n in range(1, len(Transfer.__struct_fields__) + 1))
ADD: Final = f"insert into transfers ({COLUMNS}) values ({_SLOTS})"
KEEP: Final = f"update transfers set ({COLUMNS}) = row({_SLOTS}) where id = $1"
SELECT: Final = f"select {COLUMNS} from transfers"
PAGE: Final = f"""
    {SELECT}
    where ($1::text[] is null or origin = any($1) or destination = any($1))
        and state = any($2::text[]) and ($3::text is null or id > $3)
    order by id limit $4
"""


class PostgresTransfers:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, transfer: Transfer) -> None:
        await self._connection.execute(ADD, *_values(transfer))

    async def keep(self, transfer: Transfer) -> None:
        await self._connection.execute(KEEP, *_values(transfer))

    async def get(self, transfer: TransferId) -> Transfer:
        return _transfer(await self._connection.fetchrow(f"{SELECT} where id = $1", transfer))

    async def take(self, transfer: TransferId) -> Transfer:
        row = await self._connection.fetchrow(f"{SELECT} where id = $1 for update", transfer)
        return _transfer(row)

    async def page(
        self,
        stores: Collection[StoreId] | None,
        states: Collection[TransferState],
        *,
        after: TransferId | None,
        limit: int,
    ) -> Sequence[Transfer]:
        wanted = None if stores is None else list(stores)
        names = [state.value for state in states]
        rows = await self._connection.fetch(PAGE, wanted, names, after, limit)
        return [_transfer(row) for row in rows]


def _values(transfer: Transfer) -> list[Any]:
    values = msgspec.structs.asdict(transfer)
    values["state"] = transfer.state.value
    values["lines"] = msgspec.json.encode(transfer.lines).decode()
    return list(values.values())


def _transfer(row: Any) -> Transfer:
    if row is None:
        raise Missing
    fields = dict(row)
    fields["lines"] = msgspec.json.decode(fields["lines"], type=list[TransferLine])
    return msgspec.convert(fields, Transfer)
