"""Letters from the shop as it is at this moment: nothing is copied when a message is planned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.catalogue.products import Product, ProductState, RelationKind
from domain.contact.channels import MessageChannel
from domain.contact.consent import Purpose, SuppressionReason, check_permission
from domain.contact.preferences import MARKETING_PERIOD
from domain.follow_ups.content import (
    Content,
    ContentItem,
    ContentStore,
    OrderLinkContent,
    OrderShortContent,
    PaymentRefundedContent,
    PaymentVoidedContent,
    PickupReadyContent,
    ShipmentSentContent,
    Suggestion,
    ThankYouContent,
)
from domain.follow_ups.messages import MessageKind
from domain.fulfilment.pickups import Pickup
from domain.inventory.availability import sellable_units, stocked_components
from domain.kernel.ids import Sku
from domain.loyalty.rewards import NotMember
from domain.stores.opening_hours import spans_on_day
from domain.stores.stores import Store
from service.follow_ups.message_context import MessageContext
from service.follow_ups.message_subjects import (
    LatePaymentSubject,
    MessageSubject,
    OrderLinkSubject,
    OrderShortSubject,
    PickupReadySubject,
    ShipmentSentSubject,
    ThankYouSubject,
)
from service.inventory.availability import get_products_with_parts
from service.shared.unit_of_work import Unit


class ComposedMessage(Struct, frozen=True):
    """A message, and the decision about its suggestion."""

    letter: Content
    purpose: Purpose = Purpose.SERVICE
    suggestion: str | None = None


async def compose_content(
    unit: Unit, desk: MessageContext, case: MessageSubject, channel: MessageChannel
) -> ComposedMessage:
    match case:
        case PickupReadySubject():
            return ComposedMessage(
                _pickup_ready(desk, case, await _items(unit, case.items), unit.now)
            )
        case ShipmentSentSubject():
            return ComposedMessage(await _shipment_sent(unit, desk, case))
        case ThankYouSubject():
            return await _thank_you(unit, desk, case, channel)
        case OrderShortSubject():
            return ComposedMessage(_order_short(desk, case, await _items(unit, case.items)))
        case LatePaymentSubject():
            return ComposedMessage(_late_payment(desk, case))
        case OrderLinkSubject():
            return ComposedMessage(_order_link(desk, case, await _items(unit, case.items)))
    raise AssertionError(case)


async def _items(unit: Unit, units: Mapping[Sku, int]) -> list[ContentItem]:
    goods = await unit.catalogue.products.get_many(units)
    return [
        ContentItem(name=goods[sku].name, names=goods[sku].names, quantity=units[sku])
        for sku in sorted(goods)
    ]


def _pickup_ready(
    desk: MessageContext, case: PickupReadySubject, items: list[ContentItem], now: datetime
) -> PickupReadyContent:
    until = case.pickup.collect_by
    return PickupReadyContent(
        retailer=desk.retailer,
        order=case.order.id,
        store=to_content_store(case.store, now),
        items=items,
        code=desk.codes.handover_code(case.pickup.id, case.pickup.revision),
        collect_by=until and until.astimezone(ZoneInfo(case.store.time_zone)),
        order_url=desk.order_url(case.order),
    )


def to_content_store(store: Store, now: datetime) -> ContentStore:
    return ContentStore(
        name=store.name or store.store,
        country=store.country,
        address=store.address,
        postal_code=store.postal_code,
        city=store.city,
        phone=store.phone,
        today=spans_on_day(store.osm_hours, store.time_zone, now, store.country),
    )


async def _shipment_sent(
    unit: Unit, desk: MessageContext, case: ShipmentSentSubject
) -> ShipmentSentContent:
    address = case.order.address
    return ShipmentSentContent(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        carrier=case.parcel.carrier,
        tracking_number=case.parcel.tracking_number,
        tracking_url=case.parcel.url or None,
        items=await _items(unit, case.items),
        to_come=await _items(unit, case.to_come),
        city=address.city if address else None,
        order_url=desk.order_url(case.order),
    )


def _order_short(
    desk: MessageContext, case: OrderShortSubject, items: list[ContentItem]
) -> OrderShortContent:
    return OrderShortContent(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        items=items,
        by_card=case.order.is_paid_by_card,
        order_url=desk.order_url(case.order),
    )


def _late_payment(
    desk: MessageContext, case: LatePaymentSubject
) -> PaymentRefundedContent | PaymentVoidedContent:
    refunded = case.message.kind is MessageKind.PAYMENT_REFUNDED
    content = PaymentRefundedContent if refunded else PaymentVoidedContent
    return content(
        retailer=desk.retailer,
        order=case.attempt.order,
        country=case.store.country,
        amount=case.attempt.to_refund,
        order_url=desk.order_url(case.order),
    )


def _order_link(
    desk: MessageContext, case: OrderLinkSubject, items: list[ContentItem]
) -> OrderLinkContent:
    return OrderLinkContent(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        items=items,
        order_url=desk.order_url(case.order),
    )


async def _thank_you(
    unit: Unit, desk: MessageContext, case: ThankYouSubject, channel: MessageChannel
) -> ComposedMessage:
    found = await _suggest(unit, case, channel)
    offer = found if isinstance(found, Product) else None
    customer = case.order.customer
    earned, balance = await _points(unit, case)
    letter = ThankYouContent(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        store=to_content_store(case.store, unit.now) if isinstance(case.group, Pickup) else None,
        items=await _items(unit, case.items),
        earned=earned,
        balance=balance,
        suggestion=_offer(offer) if offer else None,
        order_url=desk.order_url(case.order),
        unsubscribe_url=desk.unsubscribe_url(customer, channel) if offer and customer else None,
    )
    if offer is None:
        return ComposedMessage(letter, suggestion=str(found))
    return ComposedMessage(letter, Purpose.MARKETING, offer.sku)


def _offer(product: Product) -> Suggestion:
    return Suggestion(name=product.name, names=product.names, price=product.price)


async def _points(unit: Unit, case: ThankYouSubject) -> tuple[int | None, int | None]:
    """The points these goods earned, and the balance; None for a buyer who is not a member."""
    if case.order.customer is None:
        return None, None
    try:
        standing = await unit.loyalty.rewards.get_by_customer(case.order.customer)
    except NotMember:
        return None, None
    lines = case.order.lines_of(case.group.id)
    earned = sum(lines[sku].points_for(0, units) for sku, units in case.items.items())
    return earned, standing.balance.available


async def _suggest(
    unit: Unit, case: ThankYouSubject, channel: MessageChannel
) -> Product | SuppressionReason:
    """Suggests an accessory in stock at that very location that the customer does not have."""
    customer, reader = case.order.customer, case.reader
    if customer is None:
        return SuppressionReason.NO_CONSENT
    sent = await unit.follow_ups.messages.count_marketing_since(
        customer, unit.now - MARKETING_PERIOD
    )
    no = check_permission(
        Purpose.MARKETING,
        channel,
        reader.consents,
        reader.preferences,
        unit.now,
        marketing_sent=sent,
    )
    if no:
        return no
    goods = await unit.catalogue.products.get_many(case.items)
    wanted = [
        relation.sku
        for sku in sorted(goods)
        for relation in goods[sku].relations
        if relation.kind is RelationKind.ACCESSORY
    ]
    owned = await unit.orders.orders.list_purchased(customer, wanted)
    fitting = [sku for sku in dict.fromkeys(wanted) if sku not in owned]
    return await _first_available(unit, case.store, fitting) or SuppressionReason.NO_SELLABLE_ITEM


async def _first_available(unit: Unit, store: Store, skus: Sequence[Sku]) -> Product | None:
    catalogue = await get_products_with_parts(unit, skus)
    levels = await unit.inventory.stock_levels.list_by_skus(catalogue, [store.store])
    for sku in skus:
        product = catalogue.get(sku)
        if product is None or product.state is not ProductState.ACTIVE:
            continue
        parts = stocked_components(product, catalogue)
        if parts and sellable_units(parts, store.store, levels) > 0:
            return product
    return None
