"""What follows for messages when something happened. Planning the same again changes nothing."""

from datetime import datetime, timedelta
from typing import Final

from domain.follow_ups.messages import About, Kind, Message
from domain.foundation.events import (
    PaymentReturned,
    PickupCollected,
    PickupEnded,
    PickupReady,
    ShipmentDelivered,
    ShipmentEnded,
    ShipmentSent,
)
from domain.kernel.ids import MessageId
from service.shared.unit_of_work import Unit

THANKS_WITHIN: Final = timedelta(days=3)
"""A thank-you that is later than this is none."""
RETURNED_WITHIN: Final = timedelta(days=14)
SENT_WITHIN: Final = timedelta(days=7)
SHORT_WITHIN: Final = timedelta(days=14)
READY_WITHIN: Final = timedelta(days=7)
"""Where a store sets no time to collect by."""
BY_THE_SHOP: Final = frozenset({"declined", "short"})
"""Ends that no buyer asked for."""

Told = (
    PickupReady
    | PickupCollected
    | PickupEnded
    | ShipmentSent
    | ShipmentDelivered
    | ShipmentEnded
    | PaymentReturned
)


async def tell_ready(unit: Unit, event: PickupReady) -> None:
    """Plan to tell the buyer, once for each revision of the pickup, while it waits."""
    pickup = await unit.pickups.get(event.pickup)
    until = pickup.collect_by or event.at + READY_WITHIN
    key = f"{event.pickup}:{event.revision}"
    await _plan(unit, event, Kind.PICKUP_READY, key, within=(unit.now, until))


async def tell_sent(unit: Unit, event: ShipmentSent) -> None:
    """Plan to tell the buyer, once for each parcel, while it is on its way."""
    within = (unit.now, event.at + SENT_WITHIN)
    key = f"{event.shipment}:{event.tracking_number}"
    await _plan(unit, event, Kind.SHIPMENT_SENT, key, within=within)


async def tell_short(unit: Unit, event: PickupEnded | ShipmentEnded) -> None:
    """Plan to tell the buyer, once for each pickup or shipment, that the rest does not come."""
    if event.state in BY_THE_SHOP:
        within = (unit.now, event.at + SHORT_WITHIN)
        group = event.pickup if isinstance(event, PickupEnded) else event.shipment
        await _plan(unit, event, Kind.ORDER_SHORT, f"{group}:{event.state}", within=within)


async def thank(
    unit: Unit, event: PickupCollected | PickupEnded | ShipmentDelivered, *, after: timedelta
) -> None:
    """Plan to thank the buyer `after` the end of what was collected or sent, if only in part."""
    due = event.at + after
    within = (due, due + THANKS_WITHIN)
    if isinstance(event, ShipmentDelivered):
        await _plan(unit, event, Kind.THANK_YOU, event.shipment, within=within)
    elif event.whole if isinstance(event, PickupCollected) else event.collected:
        await _plan(unit, event, Kind.THANK_YOU, event.pickup, within=within)


async def tell_returned(unit: Unit, event: PaymentReturned) -> None:
    """Plan to tell the buyer that money comes back, once for each attempt to pay."""
    within = (unit.now, event.at + RETURNED_WITHIN)
    await _plan(unit, event, Kind.PAYMENT_RETURNED, event.attempt, within=within)


async def _plan(
    unit: Unit, event: Told, kind: Kind, key: str, *, within: tuple[datetime, datetime]
) -> None:
    planned_for, not_after = within
    await unit.messages.plan(
        Message(
            id=MessageId(unit.new_id("msg")),
            kind=kind,
            key=key,
            about=_about(event),
            customer=event.customer,
            planned_for=planned_for,
            not_after=not_after,
            created_at=unit.now,
            changed_at=unit.now,
        )
    )


def _about(event: Told) -> About:
    match event:
        case PaymentReturned():
            return About(order=event.order)
        case ShipmentSent() | ShipmentDelivered() | ShipmentEnded():
            return About(order=event.order, shipment=event.shipment)
        case _:
            return About(order=event.order, pickup=event.pickup)
