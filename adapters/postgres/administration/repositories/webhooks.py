"""Webhook subscriptions to stock changes, with the position that each has reached."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.administration.webhooks import Webhook, WebhookDelivery, WebhookUpdate
from domain.kernel.errors import NotFound
from domain.kernel.ids import WebhookId

PARCEL_MAX: Final = 100
"""Changes in one delivery."""
COLUMNS: Final = "id, url, state, position, attempts, last_error, failing_since, created_at"
ADD: Final = Statement("""
    insert into webhooks (id, url, secret, state, position, created_at, due_at)
    values (:id, :url, :secret, :state, :position, :created_at, :created_at)
""")
GET: Final = Statement(f"select {COLUMNS} from webhooks where id = :webhook")
PAGE: Final = Statement(
    f"select {COLUMNS} from webhooks where id > :after order by id limit :limit"
)
REMOVE: Final = Statement("delete from webhooks where id = :webhook returning true")
REWIND: Final = Statement(f"""
    update webhooks set position = :position, batch_end = null, state = 'active', attempts = 0,
        last_error = '',
        failing_since = null, due_at = :now
    where id = :webhook
    returning {COLUMNS}
""")
LEASE: Final = Statement(f"""
    update webhooks set due_at = :now + :span::interval, batch_end = coalesce(batch_end, (
        select max(next.position) from (
            select position from feed where feed.position > webhooks.position
            order by position limit {PARCEL_MAX}
        ) as next
    ))
    where id in (
        select id from webhooks
        where state = 'active' and due_at <= :now and position < (select max(position) from feed)
        order by due_at limit :limit for update skip locked
    )
    returning id, url, secret, position, batch_end, attempts, failing_since, due_at
""")
SETTLE: Final = Statement("""
    update webhooks set state = :state, position = :position, batch_end = :batch_end,
        attempts = :attempts, last_error = :last_error,
        failing_since = :failing_since, due_at = :due_at
    where id = :id and due_at = :leased_until
""")
"""Only while the lease is valid: a replay that came meanwhile has set another position."""


class PostgresWebhooks:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, webhook: Webhook, secret: str) -> None:
        await self._connection.execute(
            *ADD(
                id=webhook.id,
                url=webhook.url,
                secret=secret,
                state=webhook.state.value,
                position=webhook.position,
                created_at=webhook.created_at,
            ),
        )

    async def get(self, webhook: WebhookId) -> Webhook:
        return _webhook(await self._connection.fetchrow(*GET(webhook=webhook)))

    async def list_page(self, after: str, limit: int) -> list[Webhook]:
        return [
            _webhook(row) for row in await self._connection.fetch(*PAGE(after=after, limit=limit))
        ]

    async def delete(self, webhook: WebhookId) -> None:
        if not await self._connection.fetchval(*REMOVE(webhook=webhook)):
            raise NotFound("There is no such webhook.")

    async def rewind(self, webhook: WebhookId, position: int) -> Webhook:
        query = REWIND(webhook=webhook, position=position, now=self._now)
        return _webhook(await self._connection.fetchrow(*query))

    async def lease(self, limit: int, span: timedelta) -> Sequence[WebhookDelivery]:
        rows = await self._connection.fetch(*LEASE(now=self._now, limit=limit, span=span))
        return [msgspec.convert(dict(row), WebhookDelivery) for row in rows]

    async def record_delivery(self, parcel: WebhookDelivery, settled: WebhookUpdate) -> None:
        await self._connection.execute(
            *SETTLE(
                id=parcel.id,
                leased_until=parcel.due_at,
                state=settled.state.value,
                position=settled.position,
                batch_end=settled.batch_end,
                attempts=settled.attempts,
                last_error=settled.last_error,
                failing_since=settled.failing_since,
                due_at=settled.due_at,
            ),
        )


def _webhook(row: Any) -> Webhook:
    if row is None:
        raise NotFound("There is no such webhook.")
    return msgspec.convert(dict(row), Webhook)
