"""The timeline of orders: a row for each step, written with the events of the step."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.kernel.ids import OrderId
from domain.orders.timeline import TimelineEntry

OF: Final = Statement("""
    select id, order_id as "order", occurred_at as at, kind as what, actor_kind as by, actor,
        fulfilment_id as "group", store, details as facts
    from order_timeline where order_id = :order and id > :after order by id limit :limit
""")


class PostgresTimeline:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def list_by_order(
        self, order: OrderId, *, after: int, limit: int
    ) -> Sequence[TimelineEntry]:
        rows = await self._connection.fetch(*OF(order=order, after=after, limit=limit))
        return [_entry(row) for row in rows]


def _entry(row: Any) -> TimelineEntry:
    columns = dict(row)
    columns["facts"] = msgspec.json.decode(columns["facts"])
    return msgspec.convert(columns, TimelineEntry)
