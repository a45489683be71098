"""The outbox: events added in the transaction of their cause, and leased by consumers."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.foundation.events import Event
from domain.orders.timeline import TimelineEntry
from service.administration.ports import LeasedEvent

ADD: Final = Statement("""
    with entries as (
        insert into order_timeline (order_id, occurred_at, kind, actor_kind, actor, fulfilment_id,
            store, details)
        select order_id, occurred_at, kind, actor_kind, actor, fulfilment_id, store,
            details::jsonb from unnest(
            :order_ids::text[], :occurred_ats::timestamptz[], :entry_kinds::text[],
                :actor_kinds::text[], :actors::text[], :fulfilment_ids::text[],
            :stores::text[], :details::text[]
        ) as entry (order_id, occurred_at, kind, actor_kind, actor, fulfilment_id, store, details)
    )
    insert into outbox_events (kind, body, recorded_at, due_at)
    select kind, body::jsonb, :now, :now from unnest(:kinds::text[], :bodies::text[])
        as event (kind, body)
""")
LEASE: Final = Statement("""
    update outbox_events set attempts = attempts + 1,
        due_at = :now + least(:span::interval * power(2, least(attempts, 16)), interval '1 hour')
    where id in (
        select id from outbox_events where due_at <= :now order by id limit :limit
            for update skip locked
    )
    returning id, body, attempts
""")
TAKE: Final = Statement(
    "delete from outbox_events where id = :id and attempts = :attempts returning true"
)
RECORD_FAILURE: Final = Statement("update outbox_events set last_error = :words where id = :id")


class PostgresOutbox:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, *events: Event, told: Collection[TimelineEntry] = ()) -> None:
        kinds = [str(event.__struct_config__.tag) for event in events]
        bodies = [msgspec.json.encode(event).decode() for event in events]
        entries = columns([_values(entry) for entry in told], 8)
        await self._connection.execute(*ADD(*entries, kinds=kinds, bodies=bodies, now=self._now))

    async def lease(self, limit: int, span: timedelta) -> Sequence[LeasedEvent]:
        """Up to `limit` due events, oldest first, for `span`; a repeat of one doubles its span."""
        rows = await self._connection.fetch(*LEASE(now=self._now, limit=limit, span=span))
        return [
            LeasedEvent(row["id"], msgspec.json.decode(row["body"], type=Event), row["attempts"])
            for row in sorted(rows, key=lambda row: row["id"])
        ]

    async def remove(self, leased: LeasedEvent) -> bool:
        """Remove an event in the unit of its effect; False when another has it by now."""
        return bool(await self._connection.fetchval(*TAKE(id=leased.id, attempts=leased.attempts)))

    async def record_failure(self, leased: LeasedEvent, words: str) -> None:
        """Note why an event could not be followed; it comes again when its lease ends."""
        await self._connection.execute(*RECORD_FAILURE(id=leased.id, words=words))


def _values(entry: TimelineEntry) -> tuple[Any, ...]:
    facts = msgspec.json.encode(entry.facts).decode()
    return (
        entry.order,
        entry.at,
        entry.what.value,
        entry.by.value,
        entry.actor,
        entry.group,
        entry.store,
        facts,
    )
