"""A cart as its owner sees it: names, prices, availability and promises as they are now."""

from collections import Counter
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.carts.cart_lines import CartLine, FulfilmentMethod, pickup_stores
from domain.carts.cart_rules import find_exceeded_limits
from domain.carts.carts import Cart, CartState
from domain.foundation.callers import Caller
from domain.inventory.availability import NO_HELD_UNITS, StockLevelMap
from domain.inventory.holds import Hold
from domain.inventory.stock_levels import StockKey
from domain.kernel.addresses import Address
from domain.kernel.ids import WEB, CartId, MarketId, OrderId, ShippingMethodId, Sku, StoreId
from domain.kernel.money import Money
from domain.pricing.price_rules import Percent
from domain.pricing.prices import LineDiscount, PricedLine, ShippingCharge, TaxTotal, Totals
from domain.stores.promises import PickupPromise, compute_promise
from domain.stores.stores import Store
from service.carts.line_problems import (
    LineFacts,
    LineProblem,
    line_problems,
    product_problems,
    shortage_problem,
)
from service.carts.price_cart import PricedCart, get_pricing_inputs, price_cart
from service.inventory.availability import get_products_with_parts
from service.shared.unit_of_work import Unit, Units


class SavedLineView(Struct, frozen=True):
    """A saved line; `total` is the price that its units would have."""

    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    fulfilment: FulfilmentMethod | None
    problems: list[LineProblem]


class LineView(SavedLineView, frozen=True, kw_only=True):
    """A cart line; `total` is the price of its units less discounts, `to_pay` the same with tax."""

    discounts: list[LineDiscount]
    tax_rate: Percent | None
    tax: Money
    to_pay: Money


class GroupView(Struct, frozen=True):
    """Lines of one store and method; the promise is the one that an order placed now would get."""

    method: str
    store: StoreId | None
    lines: list[Sku]
    promised_from: datetime | None
    promised_until: datetime | None


class ShippingView(Struct, frozen=True):
    """The shipping method and address. Without a chosen method it is the cheapest."""

    chosen: ShippingMethodId | None
    address: Address | None
    costs: ShippingCharge | None


class ChangedTotal(Struct, frozen=True):
    """One of the totals that a change has made another."""

    total: str
    before: Money
    now: Money


class CartView(Struct, frozen=True):
    """A cart with names, prices and availability as they are now.

    `requires` are the fields that checkout needs, such as the `address` of lines that are sent.
    `changed_totals` are the totals that a write has changed, in the answer to it.
    """

    id: CartId
    version: int
    state: CartState
    currency: str
    lines: list[LineView]
    groups: list[GroupView]
    market: MarketId | None
    prices_include_tax: bool
    shipping: ShippingView
    coupons: list[str]
    taxes: list[TaxTotal]
    totals: Totals
    requires: list[str]
    problems: list[LineProblem]
    held_until: datetime | None = None
    saved: list[SavedLineView] = []
    order: OrderId | None = None
    changed_totals: list[ChangedTotal] = []


async def get_cart(units: Units, *, caller: Caller, cart: CartId, locale: str) -> CartView:
    """Returns a cart. Raises NotFound: there is no such cart, or it belongs to another customer."""
    async with units.read() as unit:
        found = await unit.carts.carts.get(cart)
        found.ensure_access(caller)
        return await view_cart(unit, found, locale)


async def view_cart(unit: Unit, cart: Cart, locale: str, before: Cart | None = None) -> CartView:
    """Returns the cart with current names, prices and availability, and with its problems.

    With the cart as it was `before`, the view has the totals that have changed since.
    """
    both = [cart] if before is None or before is cart else [cart, before]
    told = [*cart.lines, *cart.saved]
    skus = {line.sku for one in both for line in (*one.lines, *one.saved)}
    catalogue = await get_products_with_parts(unit, skus)
    stores = await unit.stores.stores.get_many(pickup_stores(told))
    is_sent = any(line.fulfilment and line.fulfilment.store is None for line in told)
    places = None if is_sent else stores
    asked = catalogue and (is_sent or stores)
    sold = (
        await unit.inventory.sellable_stock.get_for_channel(WEB, catalogue, places)
        if asked
        else None
    )
    levels: StockLevelMap = sold[0].apply_to_all(sold[1]) if sold else {}
    kept = await get_hold_view(unit, cart)
    over = find_exceeded_limits(cart.lines, catalogue, unit.cart_rules)
    facts = LineFacts(catalogue, stores, over, levels, kept.units_by_key if kept else {})
    taken = Counter[StockKey]()
    known = await get_pricing_inputs(unit, *both)
    now, *then = [price_cart(one, catalogue, known, locale=locale) for one in both]
    lines = [
        _line_view(line, bill, facts, _problems(line, facts, taken, unit.now), locale)
        for line, bill in zip(cart.lines, now.quote.lines, strict=True)
    ]
    return CartView(
        id=cart.id,
        version=cart.version,
        state=cart.state,
        currency=cart.currency,
        lines=lines,
        groups=_groups(cart, stores, unit.now),
        market=now.quote.market,
        prices_include_tax=now.quote.prices_include_tax,
        shipping=ShippingView(cart.method, cart.address, now.quote.shipping),
        coupons=list(cart.coupons),
        taxes=now.quote.taxes,
        totals=now.quote.totals,
        requires=now.requires,
        problems=[*now.problems, *_emptiness(cart)],
        held_until=kept.held_until if kept else None,
        saved=[_saved_view(line, facts, locale) for line in cart.saved],
        order=cart.order,
        changed_totals=_changed_totals(then, now),
    )


def _problems(
    line: CartLine, facts: LineFacts, taken: Counter[StockKey], now: datetime
) -> list[LineProblem]:
    return [*line_problems(line, facts, now), *shortage_problem(line, facts, taken)]


def _emptiness(cart: Cart) -> list[LineProblem]:
    return [] if cart.lines else [LineProblem("empty", "There is nothing in the cart.")]


def _changed_totals(then: list[PricedCart], now: PricedCart) -> list[ChangedTotal]:
    return [
        ChangedTotal(name, before, after)
        for one in then
        for name in Totals.__struct_fields__
        if (before := getattr(one.quote.totals, name)) != (after := getattr(now.quote.totals, name))
    ]


async def get_hold_view(unit: Unit, cart: Cart) -> Hold | None:
    """The cart's hold, while it counts."""
    if cart.hold is None:
        return None
    hold = await unit.inventory.holds.get(cart.hold)
    return hold if hold.is_effective_at(unit.now) else None


def _line_view(
    line: CartLine, bill: PricedLine, facts: LineFacts, problems: list[LineProblem], locale: str
) -> LineView:
    return LineView(
        sku=line.sku,
        name=_name(line, facts, locale),
        quantity=line.quantity,
        unit_price=bill.unit_price,
        discounts=bill.discounts,
        total=bill.total,
        tax_rate=bill.tax_rate,
        tax=bill.tax,
        to_pay=bill.to_pay,
        fulfilment=line.fulfilment,
        problems=problems,
    )


def _saved_view(line: CartLine, facts: LineFacts, locale: str) -> SavedLineView:
    """A line for later takes nothing from anybody; its problems are those it would have alone."""
    alone = replace(facts, over={}, own=NO_HELD_UNITS)
    product = facts.catalogue.get(line.sku)
    price = product.price if product else line.seen
    return SavedLineView(
        sku=line.sku,
        name=_name(line, facts, locale),
        quantity=line.quantity,
        unit_price=price,
        total=price * line.quantity,
        fulfilment=line.fulfilment,
        problems=[*product_problems(line, alone), *shortage_problem(line, alone, Counter())],
    )


def _name(line: CartLine, facts: LineFacts, locale: str) -> str:
    """A product that is not in the catalogue any more bears its SKU."""
    product = facts.catalogue.get(line.sku)
    return product.name_in(locale) if product else line.sku


def _groups(cart: Cart, stores: dict[StoreId, Store], now: datetime) -> list[GroupView]:
    chosen = {line.fulfilment for line in cart.lines if line.fulfilment}
    groups = []
    for fulfilment in sorted(chosen, key=lambda way: (way.method, way.store or "")):
        skus = [line.sku for line in cart.lines if line.fulfilment == fulfilment]
        promise: PickupPromise | None = None
        if fulfilment.store in stores:
            promise = compute_promise(stores[fulfilment.store], now)
        groups.append(
            GroupView(
                fulfilment.method,
                fulfilment.store,
                skus,
                promise.since if promise else None,
                promise.until if promise else None,
            )
        )
    return groups
