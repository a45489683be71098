"""Allocations: the units that orders claim from stock levels, a row each."""

from collections.abc import Collection
from typing import Any, Final

from adapters.postgres.db.statements import Statement
from domain.fulfilment.fulfilments import Allocation

WRITE: Final = Statement("""
    insert into allocations (fulfilment_id, line, sku, store, quantity, consumed, released)
    select * from unnest(
        :fulfilments::text[], :lines::text[], :skus::text[], :stores::text[], :quantities::int[],
            :consumed::int[], :released::int[]
    )
    on conflict (fulfilment_id, line, sku) do update
    set quantity = excluded.quantity, consumed = excluded.consumed, released = excluded.released
""")


class PostgresAllocations:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def upsert(self, allocations: Collection[Allocation]) -> None:
        rows = [
            (a.group, a.line, a.sku, a.store, a.quantity, a.consumed, a.released)
            for a in allocations
        ]
        if rows:
            await self._connection.execute(*WRITE(*zip(*rows, strict=True)))
