"""Planning of messages when an event is processed. A repeat changes nothing."""

from datetime import datetime, timedelta
from typing import Final

from domain.follow_ups.messages import Message, MessageKind, MessageReference
from domain.foundation.events import (
    PaymentRefunded,
    PaymentVoided,
    PickupCollected,
    PickupEnded,
    PickupReady,
    ShipmentDelivered,
    ShipmentEnded,
    ShipmentSent,
)
from domain.kernel.ids import MessageId
from service.shared.unit_of_work import Unit

THANK_YOU_VALIDITY: Final = timedelta(days=3)
"""A thank-you that is later than this is none."""
RETURNED_VALIDITY: Final = timedelta(days=14)
SENT_VALIDITY: Final = timedelta(days=7)
SHORT_VALIDITY: Final = timedelta(days=14)
READY_VALIDITY: Final = timedelta(days=7)
"""Where a store sets no time to collect by."""
CANCELLED_BY_RETAILER: Final = frozenset({"declined", "short"})
"""Ends that no buyer asked for."""

FulfilmentEnded = (
    PickupReady
    | PickupCollected
    | PickupEnded
    | ShipmentSent
    | ShipmentDelivered
    | ShipmentEnded
    | PaymentRefunded
    | PaymentVoided
)


async def plan_pickup_ready(unit: Unit, event: PickupReady) -> None:
    """Plans the pickup message, once for each revision of the pickup, valid while it is ready."""
    pickup = await unit.fulfilment.pickups.get(event.pickup)
    until = pickup.collect_by or event.at + READY_VALIDITY
    key = f"{event.pickup}:{event.revision}"
    await _add(unit, event, MessageKind.PICKUP_READY, key, within=(unit.now, until))


async def plan_shipment_sent(unit: Unit, event: ShipmentSent) -> None:
    """Plans the shipment message, once for each parcel, valid while it is in transit."""
    within = (unit.now, event.at + SENT_VALIDITY)
    key = f"{event.shipment}:{event.tracking_number}"
    await _add(unit, event, MessageKind.SHIPMENT_SENT, key, within=within)


async def plan_order_short(unit: Unit, event: PickupEnded | ShipmentEnded) -> None:
    """Plans the message about missing goods, once for each pickup or shipment."""
    if event.state in CANCELLED_BY_RETAILER:
        within = (unit.now, event.at + SHORT_VALIDITY)
        group = event.pickup if isinstance(event, PickupEnded) else event.shipment
        await _add(unit, event, MessageKind.ORDER_SHORT, f"{group}:{event.state}", within=within)


async def plan_thank_you(
    unit: Unit, event: PickupCollected | PickupEnded | ShipmentDelivered, *, after: timedelta
) -> None:
    """Plans the thank-you message `after` the end of a collected or sent fulfilment."""
    due = event.at + after
    within = (due, due + THANK_YOU_VALIDITY)
    if isinstance(event, ShipmentDelivered):
        await _add(unit, event, MessageKind.THANK_YOU, event.shipment, within=within)
    elif event.whole if isinstance(event, PickupCollected) else event.collected:
        await _add(unit, event, MessageKind.THANK_YOU, event.pickup, within=within)


async def plan_payment_refunded(unit: Unit, event: PaymentRefunded) -> None:
    """Plans a message to the buyer about a refund, once for each payment attempt."""
    within = (unit.now, event.at + RETURNED_VALIDITY)
    await _add(unit, event, MessageKind.PAYMENT_REFUNDED, event.attempt, within=within)


async def plan_payment_voided(unit: Unit, event: PaymentVoided) -> None:
    """Plans a message to the buyer about a released payment, once for each payment attempt."""
    within = (unit.now, event.at + RETURNED_VALIDITY)
    await _add(unit, event, MessageKind.PAYMENT_VOIDED, event.attempt, within=within)


async def _add(
    unit: Unit,
    event: FulfilmentEnded,
    kind: MessageKind,
    key: str,
    *,
    within: tuple[datetime, datetime],
) -> None:
    planned_for, send_before = within
    await unit.follow_ups.messages.add(
        Message(
            id=MessageId(unit.new_id("msg")),
            kind=kind,
            key=key,
            about=_about(event),
            customer=event.customer,
            planned_for=planned_for,
            send_before=send_before,
            created_at=unit.now,
            changed_at=unit.now,
        )
    )


def _about(event: FulfilmentEnded) -> MessageReference:
    match event:
        case PaymentRefunded() | PaymentVoided():
            return MessageReference(order=event.order)
        case ShipmentSent() | ShipmentDelivered() | ShipmentEnded():
            return MessageReference(order=event.order, shipment=event.shipment)
        case _:
            return MessageReference(order=event.order, pickup=event.pickup)
