"""Events: facts that happened, for other parts of the service and other systems.

Events outlive code: new fields have defaults, nothing is renamed.
"""

from datetime import datetime

from msgspec import Struct, field

from domain.kernel.ids import (
    AttemptId,
    CustomerId,
    OrderId,
    PickupId,
    ReturnId,
    ShipmentId,
    StoreId,
)
from domain.kernel.money import Money


class EventBase(Struct, frozen=True, tag=True, kw_only=True):
    """The common field of every event: when it happened in the shop."""

    at: datetime


class OrderPlaced(EventBase, frozen=True, tag="order_placed"):
    order: OrderId
    customer: CustomerId | None = None


class PickupReady(EventBase, frozen=True, tag="pickup_ready"):
    pickup: PickupId
    order: OrderId
    store: StoreId
    revision: int = 1
    customer: CustomerId | None = None


class PickupCollected(EventBase, frozen=True, tag="pickup_collected"):
    """Goods were handed over; `whole` means that nothing is left to collect."""

    pickup: PickupId
    order: OrderId
    store: StoreId
    whole: bool = True
    customer: CustomerId | None = None


class PickupEnded(EventBase, frozen=True, tag="pickup_ended"):
    """It ended with goods left: `declined`, `short`, `expired` or `cancelled`.

    `collected` means that some were handed over before.
    """

    pickup: PickupId
    order: OrderId
    store: StoreId
    state: str
    customer: CustomerId | None = None
    collected: bool = False


class ShipmentSent(EventBase, frozen=True, tag="shipment_sent"):
    """A parcel has left; `whole` means that nothing is left to send."""

    shipment: ShipmentId
    order: OrderId
    store: StoreId
    tracking_number: str
    whole: bool = True
    customer: CustomerId | None = None


class ShipmentDelivered(EventBase, frozen=True, tag="shipment_delivered"):
    """Its last parcel has reached the buyer."""

    shipment: ShipmentId
    order: OrderId
    store: StoreId
    customer: CustomerId | None = None


class ShipmentEnded(EventBase, frozen=True, tag="shipment_ended"):
    """Nothing more of it will leave though goods are left: `declined`, `short` or `cancelled`.

    `sent` means that some have left before.
    """

    shipment: ShipmentId
    order: OrderId
    store: StoreId
    state: str
    customer: CustomerId | None = None
    sent: bool = False


class PaymentRefunded(EventBase, frozen=True, tag="payment_refunded"):
    """A captured payment is refunded: it came for an order that had ended, or a second time."""

    order: OrderId
    attempt: AttemptId
    amount: Money
    customer: CustomerId | None = None


class PaymentVoided(EventBase, frozen=True, tag="payment_voided"):
    """An authorised payment is released: it came for an order that had ended, or a second time.

    Nothing was captured.
    """

    order: OrderId
    attempt: AttemptId
    amount: Money
    customer: CustomerId | None = None


class ReturnReceived(EventBase, frozen=True, tag="return_received"):
    """Goods came back to a location; without a receipt the order is unknown.

    `whole` means that the buyer of the order has nothing of it left.
    """

    back: ReturnId = field(name="return")
    store: StoreId
    order: OrderId | None = None
    whole: bool = False
    customer: CustomerId | None = None


Event = (
    OrderPlaced
    | PickupReady
    | PickupCollected
    | PickupEnded
    | ShipmentSent
    | ShipmentDelivered
    | ShipmentEnded
    | PaymentRefunded
    | PaymentVoided
    | ReturnReceived
)
