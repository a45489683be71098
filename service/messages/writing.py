"""Letters from the shop as it is at this moment: nothing is copied when a message is planned."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.availability import Catalogue, sellable_units, stocked_parts
from domain.catalogue import Product, ProductState, RelationKind
from domain.channels import Channel
from domain.consent import Addresses, Consents, Purpose, Reason, may_send, permissions
from domain.ids import AttemptId, Sku
from domain.letters import (
    Item,
    Letter,
    LinkLetter,
    Place,
    ReadyLetter,
    ReturnedLetter,
    Suggestion,
    ThanksLetter,
)
from domain.messages import Kind, Message
from domain.money import Money
from domain.opening_hours import spans_on
from domain.orders import Order
from domain.payments import Attempt
from domain.pickups import Pickup, PickupState
from domain.preferences import NOTHING_STATED, WEEK, Preferences
from domain.rewards import NotAMember
from domain.stores import Store
from service.availability import with_parts
from service.messages.desk import Desk
from service.ports.unit import Unit


class Reader(Struct, frozen=True):
    """Whom a message is for; a guest is reached by what the order says."""

    addresses: Addresses
    locale: str
    preferences: Preferences = NOTHING_STATED
    consents: Consents = {}


class ReturnCase(Struct, frozen=True):
    """Money that goes back, because it came for nothing; that is always so."""

    message: Message
    attempt: Attempt
    order: Order
    store: Store
    reader: Reader
    is_so: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The reader's own, else that of the order's first store."""
        return ZoneInfo(self.reader.preferences.time_zone or self.store.time_zone)


class LinkCase(Struct, frozen=True):
    """An order whose buyer lost the way to it."""

    message: Message
    order: Order
    store: Store
    reader: Reader

    @property
    def is_so(self) -> bool:
        """Whether it is still a guest's; a customer logs in."""
        return self.order.customer is None

    @property
    def zone(self) -> ZoneInfo:
        """That of the order's first store."""
        return ZoneInfo(self.store.time_zone)

    @property
    def items(self) -> dict[Sku, int]:
        """Units of each SKU that were ordered and not cancelled."""
        return self.order.units


class PickupCase(Struct, frozen=True):
    """Everything that a message of a pickup is about, as it is now."""

    message: Message
    pickup: Pickup
    order: Order
    store: Store
    reader: Reader

    @property
    def is_so(self) -> bool:
        """Whether what the message says still holds."""
        if self.message.kind is Kind.THANK_YOU:
            return bool(self.items) and self.pickup.state is not PickupState.READY
        this = f"{self.pickup.id}:{self.pickup.revision}"
        return self.pickup.state is PickupState.READY and self.message.key == this

    @property
    def zone(self) -> ZoneInfo:
        """The reader's own, else the store's."""
        return ZoneInfo(self.reader.preferences.time_zone or self.store.time_zone)

    @property
    def items(self) -> dict[Sku, int]:
        """Units of each line that wait, or that were collected."""
        ready = self.message.kind is Kind.PICKUP_READY
        units = {line.sku: line.remaining if ready else line.given for line in self.pickup.lines}
        return {sku: count for sku, count in units.items() if count}


Case = PickupCase | ReturnCase | LinkCase


async def open_case(unit: Unit, message: Message) -> Case:
    if message.kind is Kind.PAYMENT_RETURNED:
        attempt = await unit.attempts.get(AttemptId(message.key))
        paid_for = await unit.orders.get(attempt.order)
        store = await unit.stores.get(paid_for.groups[0].store)
        return ReturnCase(message, attempt, paid_for, store, await _reader(unit, paid_for))
    if message.about.pickup is None:
        assert message.about.order is not None, "a message is about something"
        ordered = await unit.orders.get(message.about.order)
        store = await unit.stores.get(ordered.groups[0].store)
        return LinkCase(message, ordered, store, await _reader(unit, ordered))
    pickup = await unit.pickups.get(message.about.pickup)
    order = await unit.orders.get(pickup.order)
    store = await unit.stores.get(pickup.store)
    return PickupCase(message, pickup, order, store, await _reader(unit, order))


async def _reader(unit: Unit, order: Order) -> Reader:
    contact = order.contact
    if order.customer is None:
        return Reader(Addresses(contact.email, contact.phone), order.locale)
    customer = await unit.customers.get(order.customer)
    return Reader(
        Addresses(customer.email or contact.email, customer.phone or contact.phone),
        customer.locale or order.locale,
        await unit.preferences.of(order.customer),
        permissions(await unit.consents.stated(order.customer)),
    )


class Written(Struct, frozen=True):
    """A letter, and what was decided about its suggestion."""

    letter: Letter
    purpose: Purpose = Purpose.SERVICE
    suggestion: str | None = None


async def write(unit: Unit, desk: Desk, case: Case, channel: Channel) -> Written:
    if isinstance(case, ReturnCase):
        return Written(_returned(desk, case))
    goods = await unit.products.by_sku(case.items)
    if isinstance(case, LinkCase):
        return Written(_link(desk, case, goods))
    if case.message.kind is Kind.PICKUP_READY:
        return Written(_ready(desk, case, goods, unit.now))
    return await _thanks(unit, desk, case, goods, channel)


def _returned(desk: Desk, case: ReturnCase) -> ReturnedLetter:
    amount = case.attempt.captured or case.attempt.authorised
    return ReturnedLetter(
        retailer=desk.retailer,
        order=case.attempt.order,
        country=case.store.country,
        amount=Money(amount, case.attempt.amount.currency),
        order_url=desk.order_url(case.order),
    )


def _link(desk: Desk, case: LinkCase, goods: Catalogue) -> LinkLetter:
    return LinkLetter(
        retailer=desk.retailer,
        order=case.order.id,
        country=case.store.country,
        items=_items(case, goods),
        order_url=desk.order_url(case.order),
    )


def _items(case: PickupCase | LinkCase, goods: Catalogue) -> list[Item]:
    return [
        Item(name=goods[sku].name, names=goods[sku].names, quantity=case.items[sku])
        for sku in sorted(goods)
    ]


def _ready(desk: Desk, case: PickupCase, goods: Catalogue, now: datetime) -> ReadyLetter:
    until = case.pickup.collect_by
    return ReadyLetter(
        retailer=desk.retailer,
        order=case.order.id,
        store=place(case.store, now),
        items=_items(case, goods),
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


async def _thanks(
    unit: Unit, desk: Desk, case: PickupCase, goods: Catalogue, channel: Channel
) -> Written:
    found = await _suggest(unit, case, channel, goods)
    offer = found if isinstance(found, Product) else None
    customer = case.order.customer
    earned, balance = await _points(unit, case)
    letter = ThanksLetter(
        retailer=desk.retailer,
        order=case.order.id,
        store=place(case.store, unit.now),
        items=_items(case, goods),
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


async def _points(unit: Unit, case: PickupCase) -> tuple[int | None, int | None]:
    """What the collected goods earned, and the balance; nothing for who is not a member."""
    if case.order.customer is None:
        return None, None
    try:
        standing = await unit.rewards.of(case.order.customer)
    except NotAMember:
        return None, None
    lines = case.order.lines_of(case.pickup.id)
    earned = sum(lines[sku].points_of(0, units) for sku, units in case.items.items())
    return earned, standing.balance.available


async def _suggest(
    unit: Unit, case: PickupCase, channel: Channel, goods: Catalogue
) -> Product | Reason:
    """An accessory that lies in that very store now and that the customer does not have."""
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
