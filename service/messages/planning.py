"""What follows for messages when something happened. Planning the same again changes nothing."""

from datetime import datetime, timedelta
from typing import Final

from domain.events import PaymentReturned, PickupCollected, PickupEnded, PickupReady
from domain.ids import MessageId
from domain.messages import About, Kind, Message
from service.ports.unit import Unit

THANKS_WITHIN: Final = timedelta(days=3)
"""A thank-you that is later than this is none."""
RETURNED_WITHIN: Final = timedelta(days=14)
READY_WITHIN: Final = timedelta(days=7)
"""Where a store sets no time to collect by."""


async def tell_ready(unit: Unit, event: PickupReady) -> None:
    """Plan to tell the buyer, once for each revision of the pickup, while it waits."""
    pickup = await unit.pickups.get(event.pickup)
    until = pickup.collect_by or event.at + READY_WITHIN
    key = f"{event.pickup}:{event.revision}"
    await _plan(unit, event, Kind.PICKUP_READY, key, within=(unit.now, until))


async def thank(unit: Unit, event: PickupCollected | PickupEnded, *, after: timedelta) -> None:
    """Plan to thank the buyer `after` a pickup ended of which anything was handed over."""
    if event.whole if isinstance(event, PickupCollected) else event.collected:
        due = event.at + after
        within = (due, due + THANKS_WITHIN)
        await _plan(unit, event, Kind.THANK_YOU, event.pickup, within=within)


async def tell_returned(unit: Unit, event: PaymentReturned) -> None:
    """Plan to tell the buyer that money comes back, once for each attempt to pay."""
    within = (unit.now, event.at + RETURNED_WITHIN)
    await _plan(unit, event, Kind.PAYMENT_RETURNED, event.attempt, within=within)


async def _plan(
    unit: Unit,
    event: PickupReady | PickupCollected | PickupEnded | PaymentReturned,
    kind: Kind,
    key: str,
    *,
    within: tuple[datetime, datetime],
) -> None:
    planned_for, not_after = within
    pickup = None if isinstance(event, PaymentReturned) else event.pickup
    await unit.messages.plan(
        Message(
            id=MessageId(unit.new_id("msg")),
            kind=kind,
            key=key,
            about=About(order=event.order, pickup=pickup),
            customer=event.customer,
            planned_for=planned_for,
            not_after=not_after,
            created_at=unit.now,
            changed_at=unit.now,
        )
    )
