"""Webhooks of stock changes: created, listed, replayed, deleted and delivered."""

import asyncio
from datetime import timedelta
from typing import Final

from msgspec import Struct

from domain.administration.webhooks import (
    ChangesPayload,
    CursorExpired,
    Webhook,
    WebhookDelivery,
    WebhookState,
    apply_result,
    ensure_allowed_url,
    to_payload,
)
from domain.kernel.errors import InvalidField
from domain.kernel.ids import WebhookId
from service.administration.ports import WebhookSender
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

BATCH_SIZE: Final = 8
"""Receivers that one process serves at a time."""
LEASE: Final = timedelta(minutes=1)
"""How long a parcel is ours; longer than any try takes."""


class CreatedWebhook(Struct, frozen=True):
    """A new webhook; `secret` signs its deliveries and is shown only here."""

    id: WebhookId
    url: str
    position: int
    secret: str


@retry_on_conflict
async def create_webhook(
    units: Units, *, url: str, secret: str, private: bool, request: IdempotencyKey | None
) -> CreatedWebhook:
    """Creates a webhook that sends every later change to `url`; a repeat returns the first.

    Raises:
        InvalidField: the address cannot be one of another system.
    """
    ensure_allowed_url(url, private=private)
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(request, CreatedWebhook):
            return first
        _, newest = await unit.inventory.change_feed.get_span()
        made = CreatedWebhook(WebhookId(unit.new_id("whk")), url, newest, secret)
        webhook = Webhook(
            id=made.id,
            url=url,
            state=WebhookState.ACTIVE,
            position=newest,
            attempts=0,
            last_error="",
            failing_since=None,
            created_at=unit.now,
        )
        await unit.administration.webhooks.add(webhook, secret)
        await unit.foundation.idempotency.save_answer(request, made)
    return made


@retry_on_conflict
async def delete_webhook(units: Units, webhook: WebhookId) -> None:
    """Deletes a webhook: it receives no more changes. Raises NotFound."""
    async with units.begin() as unit:
        await unit.administration.webhooks.delete(webhook)


@retry_on_conflict
async def replay_webhook(
    units: Units, webhook: WebhookId, *, after: int, request: IdempotencyKey | None
) -> Webhook:
    """Replays every change after position `after`; a disabled webhook becomes active again.

    Raises:
        NotFound: there is no such webhook.
        CursorExpired: the changes after that position have been purged.
        InvalidField: the feed has not reached that position.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(request, Webhook):
            return first
        oldest, newest = await unit.inventory.change_feed.get_span()
        if after > newest:
            raise InvalidField("after", "maximum", f"must be at most {newest}")
        if after < oldest - 1:
            await unit.administration.webhooks.get(webhook)
            raise CursorExpired(oldest - 1)
        changed = await unit.administration.webhooks.rewind(webhook, after)
        await unit.foundation.idempotency.save_answer(request, changed)
    return changed


async def deliver_changes(units: Units, poster: WebhookSender) -> int:
    """Send the next parcel of every webhook that is due; how many those were."""
    async with units.begin() as unit:
        parcels = await unit.administration.webhooks.lease(BATCH_SIZE, LEASE)
    await asyncio.gather(*(_send(units, poster, parcel) for parcel in parcels))
    return len(parcels)


async def _send(units: Units, poster: WebhookSender, parcel: WebhookDelivery) -> None:
    async with units.read() as unit:
        changes = await _changes(unit, parcel)
    receipt = await poster.send(parcel, changes)
    async with units.begin() as unit:
        await unit.administration.webhooks.record_delivery(
            parcel, apply_result(parcel, receipt, unit.now)
        )


async def _changes(unit: Unit, parcel: WebhookDelivery) -> ChangesPayload:
    oldest, _ = await unit.inventory.change_feed.get_span()
    found = await unit.inventory.change_feed.list_after(
        parcel.position, parcel.batch_end - parcel.position, until=parcel.batch_end
    )
    return ChangesPayload(
        after=parcel.position,
        until=parcel.batch_end,
        complete=parcel.position >= oldest - 1,
        changes=[to_payload(change) for change in found if change.channel is None],
    )
