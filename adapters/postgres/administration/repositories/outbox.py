"""The outbox: events added in the transaction of their cause, and leased by consumers."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from domain.foundation.events import Event
from domain.orders.timeline import TimelineEntry
from service.administration.ports import LeasedEvent

ADD: Final = """
    with entries as (
        insert into order_timeline (order_id, occurred_at, kind, actor_kind, actor, fulfilment_id,
            store, details)
        select order_id, occurred_at, kind, actor_kind, actor, fulfilment_id, store,
            details::jsonb from unnest(
            $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[]
        ) as entry (order_id, occurred_at, kind, actor_kind, actor, fulfilment_id, store, details)
    )
    insert into outbox_events (kind, body, recorded_at, due_at)
    select kind, body::jsonb, $3, $3 from unnest($1::text[], $2::text[]) as event (kind, body)
"""
LEASE: Final = """
    update outbox_events set attempts = attempts + 1,
        due_at = $1 + least($3::interval * power(2, least(attempts, 16)), interval '1 hour')
    where id in (
        select id from outbox_events where due_at <= $1 order by id limit $2 for update skip locked
    )
    returning id, body, attempts
"""
TAKE: Final = "delete from outbox_events where id = $1 and attempts = $2 returning true"
RECORD_FAILURE: Final = "update outbox_events set last_error = $2 where id = $1"


class PostgresOutbox:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, *events: Event, told: Collection[TimelineEntry] = ()) -> None:
        kinds = [str(event.__struct_config__.tag) for event in events]
        bodies = [msgspec.json.encode(event).decode() for event in events]
        entries = columns([_values(entry) for entry in told], 8)
        await self._connection.execute(ADD, kinds, bodies, self._now, *entries)

    async def lease(self, limit: int, span: timedelta) -> Sequence[LeasedEvent]:
        """Up to `limit` due events, oldest first, for `span`; a repeat of one doubles its span."""
        rows = await self._connection.fetch(LEASE, self._now, limit, span)
        return [
            LeasedEvent(row["id"], msgspec.json.decode(row["body"], type=Event), row["attempts"])
            for row in sorted(rows, key=lambda row: row["id"])
        ]

    async def remove(self, leased: LeasedEvent) -> bool:
        """Remove an event in the unit of its effect; False when another has it by now."""
        return bool(await self._connection.fetchval(TAKE, leased.id, leased.attempts))

    async def record_failure(self, leased: LeasedEvent, words: str) -> None:
        """Note why an event could not be followed; it comes again when its lease ends."""
        await self._connection.execute(RECORD_FAILURE, leased.id, words)


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
