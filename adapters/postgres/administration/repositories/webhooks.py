"""Webhook subscriptions to stock changes, with the position that each has reached."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from domain.administration.webhooks import Webhook, WebhookDelivery, WebhookUpdate
from domain.kernel.errors import NotFound
from domain.kernel.ids import WebhookId

PARCEL_MAX: Final = 100
"""Changes in one delivery."""
COLUMNS: Final = "id, url, state, position, attempts, last_error, failing_since, created_at"
ADD: Final = """
    insert into webhooks (id, url, secret, state, position, created_at, due_at)
    values ($1, $2, $3, $4, $5, $6, $6)
"""
GET: Final = f"select {COLUMNS} from webhooks where id = $1"
PAGE: Final = f"select {COLUMNS} from webhooks where id > $1 order by id limit $2"
REMOVE: Final = "delete from webhooks where id = $1 returning true"
REWIND: Final = f"""
    update webhooks set position = $2, batch_end = null, state = 'active', attempts = 0,
        last_error = '',
        failing_since = null, due_at = $3
    where id = $1
    returning {COLUMNS}
"""
LEASE: Final = f"""
    update webhooks set due_at = $1 + $3::interval, batch_end = coalesce(batch_end, (
        select max(next.position) from (
            select position from feed where feed.position > webhooks.position
            order by position limit {PARCEL_MAX}
        ) as next
    ))
    where id in (
        select id from webhooks
        where state = 'active' and due_at <= $1 and position < (select max(position) from feed)
        order by due_at limit $2 for update skip locked
    )
    returning id, url, secret, position, batch_end, attempts, failing_since, due_at
"""
SETTLE: Final = """
    update webhooks set state = $3, position = $4, batch_end = $5, attempts = $6, last_error = $7,
        failing_since = $8, due_at = $9
    where id = $1 and due_at = $2
"""
"""Only while the lease is valid: a replay that came meanwhile has set another position."""


class PostgresWebhooks:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, webhook: Webhook, secret: str) -> None:
        await self._connection.execute(
            ADD,
            webhook.id,
            webhook.url,
            secret,
            webhook.state.value,
            webhook.position,
            webhook.created_at,
        )

    async def get(self, webhook: WebhookId) -> Webhook:
        return _webhook(await self._connection.fetchrow(GET, webhook))

    async def list_page(self, after: str, limit: int) -> list[Webhook]:
        return [_webhook(row) for row in await self._connection.fetch(PAGE, after, limit)]

    async def delete(self, webhook: WebhookId) -> None:
        if not await self._connection.fetchval(REMOVE, webhook):
            raise NotFound("There is no such webhook.")

    async def rewind(self, webhook: WebhookId, position: int) -> Webhook:
        return _webhook(await self._connection.fetchrow(REWIND, webhook, position, self._now))

    async def lease(self, limit: int, span: timedelta) -> Sequence[WebhookDelivery]:
        rows = await self._connection.fetch(LEASE, self._now, limit, span)
        return [msgspec.convert(dict(row), WebhookDelivery) for row in rows]

    async def record_delivery(self, parcel: WebhookDelivery, settled: WebhookUpdate) -> None:
        await self._connection.execute(
            SETTLE,
            parcel.id,
            parcel.due_at,
            settled.state.value,
            settled.position,
            settled.batch_end,
            settled.attempts,
            settled.last_error,
            settled.failing_since,
            settled.due_at,
        )


def _webhook(row: Any) -> Webhook:
    if row is None:
        raise NotFound("There is no such webhook.")
    return msgspec.convert(dict(row), Webhook)
