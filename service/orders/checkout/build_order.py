"""An order as it would be placed now: its groups, lines and bill. Nothing is promised yet."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from domain.carts.cart_lines import CartLine, pickup_stores
from domain.carts.carts import Cart
from domain.foundation.callers import Caller
from domain.inventory.availability import Catalogue
from domain.kernel.addresses import Address
from domain.kernel.ids import CartId, OrderId, PickupId, ShipmentId, Sku, StoreId
from domain.orders.order_lines import OrderLine, assign_line_ids
from domain.orders.orders import (
    AppliedCoupon,
    Contact,
    Order,
    OrderFulfilment,
    OrderPoints,
    OrderPricing,
    OrderState,
    compute_totals,
)
from domain.payments.tenders import Payment, TenderRequest, to_tenders
from domain.pricing.prices import PricedLine
from domain.stores.promises import compute_promise
from domain.stores.stores import Store
from service.carts.price_cart import PricedCart
from service.foundation.ports import IdempotencyKey
from service.shared.unit_of_work import Unit


class Checkout(Struct, frozen=True, forbid_unknown_fields=True):
    """The buyer, the address of lines that are sent, and the means of payment.

    `if_unavailable` decides about units that a store does not find: they are not charged.
    """

    contact: Contact
    payment: Payment
    tenders: TenderRequest = TenderRequest()
    if_unavailable: Literal["refund"] = "refund"
    address: Address | None = None


class CheckoutCommand(Struct, frozen=True):
    """Whose cart is to become an order, and on which terms."""

    caller: Caller
    cart: CartId
    checkout: Checkout
    locale: str
    key: IdempotencyKey


class OrderParts(Struct, frozen=True):
    """The parts of an order: current names, locations, routing of shipped lines, and price."""

    catalogue: Catalogue
    stores: Mapping[StoreId, Store]
    sent: Mapping[StoreId, Mapping[Sku, int]]
    priced: PricedCart
    address: Address | None
    locale: str


def build_order(
    unit: Unit, caller: Caller, cart: Cart, checkout: Checkout, drawn: OrderParts
) -> Order:
    """The order as it would be placed now; nothing is promised yet."""
    groups = [
        *(_pickup(unit, drawn.stores[store]) for store in pickup_stores(cart.lines)),
        *(_shipment(unit, drawn.stores[store], drawn) for store in sorted(drawn.sent)),
    ]
    lines = assign_line_ids(_lines(cart, groups, drawn))
    bill = _bill(drawn.priced)
    totals = compute_totals(lines, bill, drawn.priced.quote.totals.to_pay)
    home = drawn.address.country if drawn.address else ""
    country = home or next((drawn.stores[one].country for one in sorted(drawn.stores)), "")
    return Order(
        id=OrderId(unit.new_id("ord")),
        cart=cart.id,
        state=OrderState.PLACED,
        placed_at=unit.now,
        changed_at=unit.now,
        currency=cart.currency,
        locale=drawn.locale,
        contact=checkout.contact.normalise(country),
        address=drawn.address if drawn.sent else None,
        lines=lines,
        groups=groups,
        pricing=bill,
        payment=structs.replace(checkout.payment, card=None),
        totals=totals,
        points=OrderPoints(0),
        tenders=to_tenders(checkout.payment, totals),
        actor=caller.id,
        customer=cart.customer,
    )


def _pickup(unit: Unit, store: Store) -> OrderFulfilment:
    promise = compute_promise(store, unit.now)
    assert promise is not None, "a store that never opens is a problem of the line"
    return OrderFulfilment(
        "pickup",
        store.store,
        pickup=PickupId(unit.new_id("pku")),
        promised_from=promise.since,
        promised_until=promise.until,
    )


def _shipment(unit: Unit, store: Store, drawn: OrderParts) -> OrderFulfilment:
    """With the promise of the method that sends it: days from now, in the location's own time."""
    method = drawn.priced.method
    here = unit.now.astimezone(ZoneInfo(store.time_zone))
    return OrderFulfilment(
        "ship",
        store.store,
        shipment=ShipmentId(unit.new_id("shp")),
        promised_from=here + timedelta(days=method.days_min) if method else None,
        promised_until=here + timedelta(days=method.days_max) if method else None,
    )


def _bill(price: PricedCart) -> OrderPricing:
    told = price.quote
    used = [
        AppliedCoupon(one.code, one.promotion.promotion) for one in price.coupons if one.promotion
    ]
    return OrderPricing(told.market, told.prices_include_tax, told.shipping, told.taxes, used)


def _lines(cart: Cart, groups: Sequence[OrderFulfilment], drawn: OrderParts) -> list[OrderLine]:
    """Returns the order lines; a line that several locations send becomes one for each."""
    lines = []
    for line, price in zip(cart.lines, drawn.priced.quote.lines, strict=True):
        units = {group.id: _units(line, group, drawn) for group in groups}
        units = {group: count for group, count in units.items() if count}
        name = drawn.catalogue[line.sku].name_in(drawn.locale)
        parts = price.split(list(units.values()))
        lines += [
            _line(line.sku, part, name, group) for group, part in zip(units, parts, strict=True)
        ]
    return lines


def _units(line: CartLine, group: OrderFulfilment, drawn: OrderParts) -> int:
    """How many of a line a group prepares."""
    assert line.fulfilment is not None, "a line that says nothing is a problem"
    if group.method != line.fulfilment.method:
        return 0
    if group.method == "ship":
        return drawn.sent[group.store].get(line.sku, 0)
    return line.quantity if group.store == line.fulfilment.store else 0


def _line(sku: Sku, price: PricedLine, name: str, group: str) -> OrderLine:
    return OrderLine(
        sku=sku,
        name=name,
        quantity=price.quantity,
        unit_price=price.unit_price,
        total=price.total,
        tax=price.tax,
        to_pay=price.to_pay,
        tax_rate=price.tax_rate,
        discounts=price.discounts,
        group=group,
    )
