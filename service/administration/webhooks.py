"""Other systems that are told of stock: made, listed, sent back in time, removed, and served."""

import asyncio
from datetime import timedelta
from typing import Final

from msgspec import Struct

from domain.administration.webhooks import (
    ChangesTold,
    CursorTooOld,
    Parcel,
    Webhook,
    WebhookState,
    check_url,
    settled,
    told,
)
from domain.kernel.errors import WrongField
from domain.kernel.ids import WebhookId
from service.administration.ports import Poster
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

AT_ONCE: Final = 8
"""Receivers that one process serves at a time."""
LEASE: Final = timedelta(minutes=1)
"""How long a parcel is ours; longer than any try takes."""


class MadeWebhook(Struct, frozen=True):
    """`secret` is what calls are signed with; it is shown only here."""

    id: WebhookId
    url: str
    position: int
    secret: str


@tried_again
async def make_webhook(
    units: Units, *, url: str, secret: str, private: bool, request: RequestKey | None
) -> MadeWebhook:
    """Tell `url` of every change from now on. A repeat of `request` answers the same.

    Raises:
        WrongField: the address cannot be one of another system.
    """
    check_url(url, private=private)
    async with units.begin() as unit:
        if first := await unit.requests.claim(request, MadeWebhook):
            return first
        _, newest = await unit.feed.span()
        made = MadeWebhook(WebhookId(unit.new_id("whk")), url, newest, secret)
        webhook = Webhook(
            id=made.id,
            url=url,
            state=WebhookState.ACTIVE,
            position=newest,
            attempts=0,
            trouble="",
            failing_since=None,
            created_at=unit.now,
        )
        await unit.webhooks.add(webhook, secret)
        await unit.requests.answer(request, made)
    return made


@tried_again
async def remove_webhook(units: Units, webhook: WebhookId) -> None:
    """It is told of nothing any more. Raises Missing."""
    async with units.begin() as unit:
        await unit.webhooks.remove(webhook)


@tried_again
async def replay(
    units: Units, webhook: WebhookId, *, after: int, request: RequestKey | None
) -> Webhook:
    """Tell it once more of everything behind `after`; one that was disabled is active again.

    Raises:
        Missing: there is none.
        CursorTooOld: what came behind that is no longer kept.
        WrongField: nothing has come so far yet.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(request, Webhook):
            return first
        oldest, newest = await unit.feed.span()
        if after > newest:
            raise WrongField("after", "maximum", f"must be at most {newest}")
        if after < oldest - 1:
            await unit.webhooks.get(webhook)
            raise CursorTooOld(oldest - 1)
        changed = await unit.webhooks.rewind(webhook, after)
        await unit.requests.answer(request, changed)
    return changed


async def deliver(units: Units, poster: Poster) -> int:
    """Send the next parcel of every webhook that is due; how many those were."""
    async with units.begin() as unit:
        parcels = await unit.webhooks.lease(AT_ONCE, LEASE)
    await asyncio.gather(*(_send(units, poster, parcel) for parcel in parcels))
    return len(parcels)


async def _send(units: Units, poster: Poster, parcel: Parcel) -> None:
    async with units.read() as unit:
        changes = await _changes(unit, parcel)
    receipt = await poster.post(parcel, changes)
    async with units.begin() as unit:
        await unit.webhooks.settle(parcel, settled(parcel, receipt, unit.now))


async def _changes(unit: Unit, parcel: Parcel) -> ChangesTold:
    oldest, _ = await unit.feed.span()
    found = await unit.feed.after(
        parcel.position, parcel.until - parcel.position, until=parcel.until
    )
    return ChangesTold(
        after=parcel.position,
        until=parcel.until,
        complete=parcel.position >= oldest - 1,
        changes=[told(change) for change in found if change.channel is None],
    )
