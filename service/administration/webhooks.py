"""Other systems that are told of stock: made, listed, sent back in time, removed, and served."""

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
    """`secret` is what calls are signed with; it is shown only here."""

    id: WebhookId
    url: str
    position: int
    secret: str


@retry_on_conflict
async def create_webhook(
    units: Units, *, url: str, secret: str, private: bool, request: IdempotencyKey | None
) -> CreatedWebhook:
    """Tell `url` of every change from now on. A repeat of `request` answers the same.

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
    """It is told of nothing any more. Raises NotFound."""
    async with units.begin() as unit:
        await unit.administration.webhooks.delete(webhook)


@retry_on_conflict
async def replay_webhook(
    units: Units, webhook: WebhookId, *, after: int, request: IdempotencyKey | None
) -> Webhook:
    """Tell it once more of everything behind `after`; one that was disabled is active again.

    Raises:
        NotFound: there is none.
        CursorExpired: what came behind that is no longer kept.
        InvalidField: nothing has come so far yet.
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
