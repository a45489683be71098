"""Carts as they are looked at to be ordered, before their shelves are locked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, to_builtins

from domain.carts.cart_lines import CartLine, pickup_stores
from domain.carts.cart_rules import find_exceeded_limits
from domain.carts.carts import Cart
from domain.inventory.availability import Catalogue, stocked_components
from domain.inventory.holds import units_by_key
from domain.inventory.sales_channels import ensure_served
from domain.inventory.stock_levels import StockKey
from domain.kernel.addresses import Address
from domain.kernel.errors import Conflict, InvalidField, TransactionConflict
from domain.kernel.ids import WEB, CartId, Sku, StoreId
from domain.orders.orders import Order
from domain.sourcing.routing import RoutedLine
from domain.stores.stores import Store
from service.carts.cart_holds import CartHold, get_cart_holds, lines_to_hold, units_to_ship
from service.carts.line_problems import LineFacts, LineProblem, line_problems
from service.carts.price_cart import PricedCart, PricingInputs, get_pricing_inputs, price_cart
from service.inventory.availability import get_products_with_parts
from service.orders.checkout.build_order import CheckoutCommand, OrderParts, build_order
from service.payments.payment_methods import PaymentMethods
from service.shared.unit_of_work import Unit
from service.sourcing.routing import ShippingLocations, ensure_shippable, get_shipping_locations

UNKNOWN: Final = LineFacts({}, {}, {})
"""The facts of a cart whose SKUs are all unknown."""


class CartEmpty(Conflict):
    code = "cart_empty"

    def __init__(self) -> None:
        super().__init__("There is nothing in the cart.")


class NotOrderable(Conflict):
    """A line cannot be ordered as it is; each problem names its SKU."""

    code = "cart_problems"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        codes = {error["code"] for error in errors}
        super().__init__(
            "Some lines cannot be ordered as they are.",
            errors=errors,
            code=codes.pop() if len(codes) == 1 else None,
        )


class OpenCheckout(Struct, frozen=True):
    """A cart that may be ordered, and who wants to."""

    wish: CheckoutCommand
    cart: Cart

    @property
    def address(self) -> Address | None:
        return self.wish.checkout.address or self.cart.address


class CheckoutDraft(Struct, frozen=True):
    """An order as it would be placed, if its goods are still there and its coupons still hold."""

    wish: CheckoutCommand
    cart: Cart
    kept: CartHold
    priced: PricedCart
    order: Order

    @property
    def waits_for_money(self) -> bool:
        return self.order.is_paid_by_card and self.order.totals.to_pay.amount > 0


class CheckoutContext(Struct, frozen=True):
    """The facts that carts are checked with; no stock level is locked yet.

    `routed` are the sending locations by cart; earlier carts of the batch take their units first.
    """

    catalogue: Catalogue
    kept: Mapping[CartId, CartHold]
    senders: ShippingLocations
    routed: Mapping[CartId, RoutedLine]
    stores: Mapping[StoreId, Store]
    known: PricingInputs

    @classmethod
    async def at(cls, unit: Unit, carts: Sequence[Cart]) -> "CheckoutContext":
        lines = [line for cart in carts for line in cart.lines]
        catalogue = await get_products_with_parts(unit, {line.sku for line in lines})
        kept = await get_cart_holds(unit, carts)
        sent = {line.sku for line in lines if line.is_for_shipping and line.sku in catalogue}
        sending = await get_shipping_locations(unit, sent, catalogue)
        routed = _routed(carts, catalogue, kept, sending)
        sent_from = {store for found in routed.values() for store in found.units_by_store}
        stores = await unit.stores.stores.lock_shared(sorted({*pickup_stores(lines), *sent_from}))
        known = await get_pricing_inputs(unit, *carts)
        return cls(catalogue, kept, sending, routed, stores, known)

    def draft(self, unit: Unit, cashier: PaymentMethods, one: OpenCheckout) -> CheckoutDraft:
        """Returns the order of a cart as it would be placed now.

        Raises: the errors of `place_order`, except those about stock and coupon uses, which are
        decided under their locks.
        """
        wish, cart, address = one.wish, one.cart, one.address
        cart.ensure_open()
        if not cart.lines:
            raise CartEmpty
        to_send = units_to_ship(cart)
        method = wish.checkout.payment.method
        cashier.ensure_accepted(method, wish.caller, sends=bool(to_send))
        if to_send and address is None:
            raise InvalidField("address", "required", "must say where to send what is to be sent")
        _must_be_orderable([li for li in cart.lines if li.sku not in self.catalogue], unit.now)
        kept = self.kept[cart.id]
        over = find_exceeded_limits(cart.lines, self.catalogue, unit.cart_rules)
        price = price_cart(cart, self.catalogue, self.known, locale=wish.locale, address=address)
        facts = LineFacts(self.catalogue, self.stores, over)
        _must_be_orderable(cart.lines, unit.now, facts, price.problems)
        found = self.routed[cart.id]
        if found.unrouted:
            self._must_be_sent(cart, to_send)
        stores = {
            name: self.stores[name] for name in {*pickup_stores(cart.lines), *found.units_by_store}
        }
        ensure_served(WEB, stores.values(), kept.stores)
        drawn = OrderParts(
            self.catalogue, stores, found.units_by_store, price, address, wish.locale
        )
        order = build_order(unit, wish.caller, cart, wish.checkout, drawn)
        return CheckoutDraft(wish, cart, kept, price, order)

    def _must_be_sent(self, cart: Cart, to_send: Mapping[Sku, int]) -> None:
        """Not all of it can be sent, at least not after those before.

        Raises:
            InsufficientStock: all locations together have too little.
            TransactionConflict: they have enough, if those before do not take it after all.
        """
        own, mine = self.kept[cart.id].places, _to_collect(cart, self.catalogue)
        ensure_shippable(self.senders.route(to_send, own=own, taken=mine), to_send)
        raise TransactionConflict("The units to send were taken by another order.")


def _routed(
    carts: Sequence[Cart],
    catalogue: Catalogue,
    kept: Mapping[CartId, CartHold],
    sending: ShippingLocations,
) -> dict[CartId, RoutedLine]:
    """Returns the sending locations when the carts take their units one after the other."""
    taken: Counter[StockKey] = Counter()
    routed = {}
    for cart in carts:
        own, mine = kept[cart.id].places, _to_collect(cart, catalogue)
        known = {sku: count for sku, count in units_to_ship(cart).items() if sku in catalogue}
        found = sending.route(known, own=own, taken=mine + taken)
        wants = mine + sending.units(found) - Counter(own)
        if not found.unrouted and sending.can_spare(wants + taken):
            taken += wants  # who wants more than there is will be refused, and takes nothing
        routed[cart.id] = found
    return routed


def _to_collect(cart: Cart, catalogue: Catalogue) -> Counter[StockKey]:
    """Returns the units that the cart's pickup lines take from each stock level."""
    lines = [line for line in lines_to_hold(cart) if line.sku in catalogue]
    parts = {line.sku: stocked_components(catalogue[line.sku], catalogue) for line in lines}
    return Counter(units_by_key(lines, parts))


def _must_be_orderable(
    lines: Sequence[CartLine],
    now: datetime,
    facts: LineFacts = UNKNOWN,
    problems: Sequence[LineProblem] = (),
) -> None:
    """Raises NotOrderable."""
    errors = [
        {"sku": line.sku, **to_builtins(problem)}
        for line in lines
        for problem in line_problems(line, facts, now)
    ]
    errors += [to_builtins(problem) for problem in problems]
    if errors:
        raise NotOrderable(errors)
