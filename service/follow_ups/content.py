"""Letters from the shop as it is at this moment: nothing is copied when a message is planned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.catalogue.products import Product, ProductState, RelationKind
from domain.contact.channels import Channel
from domain.contact.consent import Purpose, Reason, may_send
from domain.contact.preferences import WEEK
from domain.follow_ups.content import (
    Item,
    Letter,
    LinkLetter,
    Place,
    ReadyLetter,
    ReturnedLetter,
    SentLetter,
    ShortLetter,
    Suggestion,
    ThanksLetter,
)
from domain.fulfilment.pickups import Pickup
from domain.inventory.availability import sellable_units, stocked_parts
from domain.kernel.ids import Sku
from domain.kernel.money import Money
from domain.loyalty.rewards import NotAMember
from domain.stores.opening_hours import spans_on
from domain.stores.stores import Store
from service.follow_ups.message_context import Desk
from service.follow_ups.message_subjects import (
    Case,
    LinkCase,
    ReadyCase,
    ReturnCase,
    SentCase,
    ShortCase,
    ThanksCase,
)
from service.inventory.availability import with_parts
from service.shared.unit_of_work import Unit


class Written(Struct, frozen=True):
    """A letter, and what was decided about its suggestion."""

    letter: Letter
    purpose: Purpose = Purpose.SERVICE
    suggestion: str | None = None


async def write(unit: Unit, desk: Desk, case: Case, channel: Channel) -> Written:
    match case:
        case ReadyCase():
            return Written(_ready(desk, case, await _items(unit, case.items), unit.now))
        case SentCase():
            return Written(await _sent(unit, desk, case))
        case ThanksCase():
            return await _thanks(unit, desk, case, channel)
        case ShortCase():
            return Written(_short(desk, case, await _items(unit, case.items)))
        case ReturnCase():
            return Written(_returned(desk, case))
        case LinkCase():
            return Written(_link(desk, case, await _items(unit, case.items)))
    raise AssertionError(case)


async def _items(unit: Unit, units: Mapping[Sku, int]) -> list[Item]:
    goods = await unit.products.by_sku(units)
    return [
        Item(name=goods[sku].name, names=goods[sku].names, quantity=units[sku])
        for sku in sorted(goods)
    ]


def _ready(desk: Desk, case: ReadyCase, items: list[Item], now: datetime) -> ReadyLetter:
    until = case.pickup.collect_by
    return ReadyLetter(
        retailer=desk.retailer,
        order=case.order.id,
        store=place(case.store, now),
        items=items,
        code=desk.codes.handover(case.pickup.id, case.pickup.revision),
        collect_by=until and until.astimezone(ZoneInfo(case.store.time_zone)),
        order_url=desk.order_url(case.order),
    )


def place(store: Store, now: datetime) -> Place:
    return Place(
        name=store.name or store.store,
        country=store.country,
        address=store.address,
        postal_code=store.postal_code,
        city=store.city,
        phone=store.phone,
        today=spans_on(store.opening, store.time_zone, now, store.country),
    )


async def _sent(unit: Unit, desk: Desk, case: SentCase) -> SentLetter:
    address = case.order.address
    return SentLetter(
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


def _short(desk: Desk, case: ShortCase, items: list[Item]) -> ShortLetter:
    return ShortLetter(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        items=items,
        by_card=case.order.by_card,
        order_url=desk.order_url(case.order),
    )


def _returned(desk: Desk, case: ReturnCase) -> ReturnedLetter:
    amount = case.attempt.captured or case.attempt.authorised
    return ReturnedLetter(
        retailer=desk.retailer,
        order=case.attempt.order,
        country=case.store.country,
        amount=Money(amount, case.attempt.amount.currency),
        order_url=desk.order_url(case.order),
    )


def _link(desk: Desk, case: LinkCase, items: list[Item]) -> LinkLetter:
    return LinkLetter(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        items=items,
        order_url=desk.order_url(case.order),
    )


async def _thanks(unit: Unit, desk: Desk, case: ThanksCase, channel: Channel) -> Written:
    found = await _suggest(unit, case, channel)
    offer = found if isinstance(found, Product) else None
    customer = case.order.customer
    earned, balance = await _points(unit, case)
    letter = ThanksLetter(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        store=place(case.store, unit.now) if isinstance(case.group, Pickup) else None,
        items=await _items(unit, case.items),
        earned=earned,
        balance=balance,
        suggestion=_offer(offer) if offer else None,
        order_url=desk.order_url(case.order),
        unsubscribe_url=desk.unsubscribe_url(customer, channel) if offer and customer else None,
    )
    if offer is None:
        return Written(letter, suggestion=str(found))
    return Written(letter, Purpose.MARKETING, offer.sku)


def _offer(product: Product) -> Suggestion:
    return Suggestion(name=product.name, names=product.names, price=product.price)


async def _points(unit: Unit, case: ThanksCase) -> tuple[int | None, int | None]:
    """What these goods earned, and the balance; nothing for who is not a member."""
    if case.order.customer is None:
        return None, None
    try:
        standing = await unit.rewards.of(case.order.customer)
    except NotAMember:
        return None, None
    lines = case.order.lines_of(case.group.id)
    earned = sum(lines[sku].points_of(0, units) for sku, units in case.items.items())
    return earned, standing.balance.available


async def _suggest(unit: Unit, case: ThanksCase, channel: Channel) -> Product | Reason:
    """An accessory that lies in that very location now and that the customer does not have."""
    customer, reader = case.order.customer, case.reader
    if customer is None:
        return Reason.NO_CONSENT
    sent = await unit.messages.marketing_since(customer, unit.now - WEEK)
    no = may_send(
        Purpose.MARKETING,
        channel,
        reader.consents,
        reader.preferences,
        unit.now,
        marketing_sent=sent,
    )
    if no:
        return no
    goods = await unit.products.by_sku(case.items)
    wanted = [
        relation.sku
        for sku in sorted(goods)
        for relation in goods[sku].relations
        if relation.kind is RelationKind.ACCESSORY
    ]
    owned = await unit.orders.bought(customer, wanted)
    fitting = [sku for sku in dict.fromkeys(wanted) if sku not in owned]
    return await _first_there(unit, case.store, fitting) or Reason.NO_SELLABLE_ITEM


async def _first_there(unit: Unit, store: Store, skus: Sequence[Sku]) -> Product | None:
    catalogue = await with_parts(unit, skus)
    shelves = await unit.stock.of(catalogue, [store.store])
    for sku in skus:
        product = catalogue.get(sku)
        if product is None or product.state is not ProductState.ACTIVE:
            continue
        parts = stocked_parts(product, catalogue)
        if parts and sellable_units(parts, store.store, shelves) > 0:
            return product
    return None
