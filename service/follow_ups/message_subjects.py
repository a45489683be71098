"""Message subjects: the things a message is about, read when the message is sent."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.contact.consent import Consents, ContactAddresses, derive_permissions
from domain.contact.preferences import NO_PREFERENCES, Preferences
from domain.follow_ups.messages import Message, MessageKind, MessageReference
from domain.fulfilment.fulfilments import Fulfilment
from domain.fulfilment.pickups import Pickup, PickupState
from domain.fulfilment.shipments import Parcel, Shipment
from domain.kernel.ids import AttemptId, Sku
from domain.orders.orders import Order
from domain.orders.timeline import is_cancelled_by_retailer
from domain.payments.attempts import PaymentAttempt
from domain.stores.stores import Store
from service.shared.unit_of_work import Unit

STEPS: Final = 1000
"""More than an order ever takes."""


class Recipient(Struct, frozen=True):
    """The recipient of a message; a guest is reached by the contact of the order."""

    addresses: ContactAddresses
    locale: str
    preferences: Preferences = NO_PREFERENCES
    consents: Consents = {}


class MessageSubject(Struct, frozen=True, kw_only=True):
    """`store` is the location of the pickup or the shipment, else the order's first."""

    message: Message
    order: Order
    store: Store
    reader: Recipient

    @property
    def is_so(self) -> bool:
        """Whether the subject still holds, so that the message is sent."""
        return True

    @property
    def items(self) -> Mapping[Sku, int]:
        """Units of each SKU that the message names."""
        return {}

    @property
    def zone(self) -> ZoneInfo:
        """The reader's own, else the store's."""
        return ZoneInfo(self.reader.preferences.time_zone or self.store.time_zone)


class LatePaymentSubject(MessageSubject, frozen=True, kw_only=True):
    """A payment that came too late for its order: it is refunded, or released where uncaptured."""

    attempt: PaymentAttempt


class OrderLinkSubject(MessageSubject, frozen=True, kw_only=True):
    """An order whose buyer lost the way to it."""

    @property
    def is_so(self) -> bool:
        """Whether it is still a guest's; a customer logs in."""
        return self.order.customer is None

    @property
    def items(self) -> Mapping[Sku, int]:
        """Units that were ordered and not cancelled."""
        return self.order.units


class PickupReadySubject(MessageSubject, frozen=True, kw_only=True):
    """A pickup that waits."""

    pickup: Pickup

    @property
    def is_so(self) -> bool:
        this = f"{self.pickup.id}:{self.pickup.revision}"
        return self.pickup.state is PickupState.READY and self.message.key == this

    @property
    def items(self) -> Mapping[Sku, int]:
        return {line.sku: line.remaining for line in self.pickup.lines if line.remaining}


class ThankYouSubject(MessageSubject, frozen=True, kw_only=True):
    """Collected or delivered goods, for the thank-you."""

    group: Fulfilment

    @property
    def is_so(self) -> bool:
        return bool(self.items) and self.group.state is not PickupState.READY

    @property
    def items(self) -> Mapping[Sku, int]:
        return {line.sku: line.given for line in self.group.lines if line.given}


class ShipmentSentSubject(MessageSubject, frozen=True, kw_only=True):
    """A parcel on its way."""

    parcel: Parcel

    @property
    def is_so(self) -> bool:
        return self.parcel.delivered_at is None

    @property
    def items(self) -> Mapping[Sku, int]:
        return self.parcel.units

    @property
    def to_come(self) -> Mapping[Sku, int]:
        """Units of the whole order that are still to be sent, from any location."""
        return self.order.unshipped_units


class OrderShortSubject(MessageSubject, frozen=True, kw_only=True):
    """Goods that the buyer ordered and will not get; the buyer's own cancellations are left out."""

    cancelled_units: Mapping[Sku, int]

    @property
    def is_so(self) -> bool:
        return bool(self.cancelled_units)

    @property
    def items(self) -> Mapping[Sku, int]:
        return self.cancelled_units


async def load_subject(unit: Unit, message: Message) -> MessageSubject:
    assert message.about.order is not None, "a message is about an order"
    order = await unit.orders.orders.get(message.about.order)
    group = await _group(unit, message.about)
    told: dict[str, Any] = {
        "message": message,
        "order": order,
        "store": await unit.stores.stores.get(group.store if group else order.groups[0].store),
        "reader": await _reader(unit, order),
    }
    match message.kind, group:
        case MessageKind.PICKUP_READY, Pickup():
            return PickupReadySubject(pickup=group, **told)
        case MessageKind.THANK_YOU, Fulfilment():
            return ThankYouSubject(group=group, **told)
        case MessageKind.SHIPMENT_SENT, Shipment():
            return ShipmentSentSubject(parcel=_parcel(message, group), **told)
        case MessageKind.ORDER_SHORT, Fulfilment():
            steps = await unit.orders.timeline.list_by_order(order.id, after=0, limit=STEPS)
            return OrderShortSubject(
                cancelled_units=is_cancelled_by_retailer(group.id, steps), **told
            )
        case ((MessageKind.PAYMENT_REFUNDED | MessageKind.PAYMENT_VOIDED), _):
            attempt = await unit.payments.attempts.get(AttemptId(message.key))
            return LatePaymentSubject(attempt=attempt, **told)
    assert message.kind is MessageKind.ORDER_LINK, message.kind
    return OrderLinkSubject(**told)


async def _group(unit: Unit, about: MessageReference) -> Pickup | Shipment | None:
    if about.pickup is not None:
        return await unit.fulfilment.pickups.get(about.pickup)
    if about.shipment is not None:
        return await unit.fulfilment.shipments.get(about.shipment)
    return None


def _parcel(message: Message, shipment: Shipment) -> Parcel:
    """The one that the message's key names."""
    return next(
        parcel
        for parcel in shipment.parcels
        if message.key == f"{shipment.id}:{parcel.tracking_number}"
    )


async def _reader(unit: Unit, order: Order) -> Recipient:
    contact = order.contact
    if order.customer is None:
        return Recipient(ContactAddresses(contact.email, contact.phone), order.locale)
    customer = await unit.customers.customers.get(order.customer)
    return Recipient(
        ContactAddresses(customer.email or contact.email, customer.phone or contact.phone),
        customer.locale or order.locale,
        await unit.contact.preferences.get(order.customer),
        derive_permissions(await unit.contact.consents.list_by_customer(order.customer)),
    )
