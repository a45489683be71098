"""Webhooks: the office subscribes other systems to changes of stock."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.administration.webhooks import Webhook
from domain.foundation.callers import Role
from domain.kernel.ids import WebhookId
from service.administration.webhooks import (
    CreatedWebhook,
    create_webhook,
    delete_webhook,
    replay_webhook,
)
from service.foundation.ports import IdempotencyKey, Secrets
from service.shared.unit_of_work import Units


class NewWebhook(Struct, forbid_unknown_fields=True):
    """Where the calls go."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]


class WebhookReplay(Struct, forbid_unknown_fields=True):
    """The start of a replay is given by a `position`, or by the `until` of an earlier call."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Webhooks(Controller):
    path = "/v1/webhooks"
    tags = ("webhooks",)

    @post(operation_id="create_webhook", **callers(Role.OFFICE, scope="webhooks"))
    async def create_webhook(
        self,
        data: JSONBody[NewWebhook],
        units: NamedDependency[Units],
        secrets: NamedDependency[Secrets],
        private_webhooks: NamedDependency[bool],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> CreatedWebhook:
        """Create a webhook that sends every later change of stock to another system.

        Calls are signed as Standard Webhooks with `secret`, which only this answer contains:
        `{"type": "stock.changed", "timestamp", "data": {"after", "until", "complete", "changes":
        [{"position", "sku", "store", "version", "on_hand", "unavailable", "allocated", "held",
        "safety_stock", "available", "cause", "recorded_at"}]}}`. Calls come one at a time, in
        order; the next one is sent only after a 2xx has accepted the one before. A call that is not
        accepted is retried for five days, at growing intervals, under the same `webhook-id`; 410
        ends the webhook.
        """
        return await create_webhook(
            units,
            url=data.url,
            secret=secrets.create_signing_secret(),
            private=private_webhooks,
            request=optional_key,
        )

    @get(operation_id="list_webhooks", **callers(Role.OFFICE, scope="webhooks"))
    async def list_webhooks(
        self, units: NamedDependency[Units], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Webhook]:
        """List the webhooks with their positions and last failures, never their secrets."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            webhooks = await unit.administration.webhooks.list_page(after, limit + 1)
        return to_page(webhooks, limit, lambda webhook: webhook.id)

    @get("/{webhook:str}", operation_id="get_webhook", **callers(Role.OFFICE, scope="webhooks"))
    async def get_webhook(
        self, webhook: FromPath[WebhookId], units: NamedDependency[Units]
    ) -> Webhook:
        """Get a webhook and its position."""
        async with units.read() as unit:
            return await unit.administration.webhooks.get(webhook)

    @delete(
        "/{webhook:str}", operation_id="remove_webhook", **callers(Role.OFFICE, scope="webhooks")
    )
    async def delete_webhook(
        self,
        webhook: FromPath[WebhookId],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - the second finds none
    ) -> None:
        """Delete a webhook; it gets no further calls."""
        await delete_webhook(units, webhook)

    @post(
        "/{webhook:str}/replay",
        operation_id="replay_webhook",
        status_code=200,
        **callers(Role.OFFICE, scope="webhooks"),
    )
    async def replay_webhook(
        self,
        webhook: FromPath[WebhookId],
        data: JSONBody[WebhookReplay],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Webhook:
        """Replay every change after a position; a disabled webhook becomes active again.

        409 `cursor_too_old` where those changes are no longer stored.
        """
        return await replay_webhook(units, webhook, after=data.after, request=optional_key)
