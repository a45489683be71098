"""A cart as its owner sees it: names, prices, availability and promises as they are now."""

from collections import Counter
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.availability import NOTHING_HELD, Shelves
from domain.callers import Caller
from domain.cart_rules import over_limit
from domain.carts import Cart, CartLine, CartState, Fulfilment, stores_of
from domain.holds import Hold
from domain.ids import WEB, CartId, OrderId, Sku, StoreId
from domain.money import Money
from domain.promises import Promise, promise_of
from domain.stock import Place
from domain.stores import Store
from service.availability import with_parts
from service.carts.problems import (
    Facts,
    LineProblem,
    problems_of,
    product_problems_of,
    shortage_of,
)
from service.ports.unit import Unit, Units


class LineView(Struct, frozen=True):
    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    fulfilment: Fulfilment | None
    problems: list[LineProblem]


class GroupView(Struct, frozen=True):
    """Lines of one store and method; the promise is what an order placed now would get."""

    method: str
    store: StoreId | None
    lines: list[Sku]
    promised_from: datetime | None
    promised_until: datetime | None


class CartTotals(Struct, frozen=True):
    goods: Money
    to_pay: Money


class CartView(Struct, frozen=True):
    """A cart with names, prices and availability as they are now."""

    id: CartId
    version: int
    state: CartState
    currency: str
    lines: list[LineView]
    groups: list[GroupView]
    totals: CartTotals
    problems: list[LineProblem]
    held_until: datetime | None = None
    saved: list[LineView] = []
    order: OrderId | None = None


async def look(units: Units, *, caller: Caller, cart: CartId, locale: str) -> CartView:
    """Raises Missing: there is no such cart, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.carts.get(cart)
        found.must_open_to(caller)
        return await seen(unit, found, locale)


async def seen(unit: Unit, cart: Cart, locale: str) -> CartView:
    """The cart with today's names, prices and availability; problems say what changed."""
    told = [*cart.lines, *cart.saved]
    catalogue = await with_parts(unit, [line.sku for line in told])
    stores = await unit.stores.by_id(stores_of(told))
    is_sent = any(line.fulfilment and line.fulfilment.store is None for line in told)
    places = None if is_sent else stores
    asked = catalogue and (is_sent or stores)
    sold = await unit.selling.sold(WEB, catalogue, places) if asked else None
    shelves: Shelves = sold[0].seen(sold[1]) if sold else {}
    kept = await hold_of(unit, cart)
    over = over_limit(cart.lines, catalogue, unit.cart_rules)
    facts = Facts(catalogue, stores, over, shelves, kept.places if kept else {})
    taken = Counter[Place]()
    lines = [_line_view(line, facts, taken, unit.now, locale) for line in cart.lines]
    goods = Money(sum(line.total.amount for line in lines), cart.currency)
    return CartView(
        id=cart.id,
        version=cart.version,
        state=cart.state,
        currency=cart.currency,
        lines=lines,
        groups=_groups(cart, stores, unit.now),
        totals=CartTotals(goods, goods),
        problems=[] if cart.lines else [LineProblem("empty", "There is nothing in the cart.")],
        held_until=kept.held_until if kept else None,
        saved=[_saved_view(line, facts, locale) for line in cart.saved],
        order=cart.order,
    )


async def hold_of(unit: Unit, cart: Cart) -> Hold | None:
    """The cart's hold, while it counts."""
    if cart.hold is None:
        return None
    hold = await unit.holds.get(cart.hold)
    return hold if hold.counts_at(unit.now) else None


def _line_view(
    line: CartLine, facts: Facts, taken: Counter[Place], now: datetime, locale: str
) -> LineView:
    problems = [*problems_of(line, facts, now), *shortage_of(line, facts, taken)]
    return _shown(line, facts, locale, problems)


def _saved_view(line: CartLine, facts: Facts, locale: str) -> LineView:
    """A line for later takes nothing from anybody; its problems are those it would have alone."""
    alone = replace(facts, over={}, own=NOTHING_HELD)
    problems = [*product_problems_of(line, alone), *shortage_of(line, alone, Counter())]
    return _shown(line, alone, locale, problems)


def _shown(line: CartLine, facts: Facts, locale: str, problems: list[LineProblem]) -> LineView:
    """A product that is not in the catalogue any more bears its SKU and the price that was seen."""
    product = facts.catalogue.get(line.sku)
    price = product.price if product else line.seen
    return LineView(
        sku=line.sku,
        name=product.name_in(locale) if product else line.sku,
        quantity=line.quantity,
        unit_price=price,
        total=price * line.quantity,
        fulfilment=line.fulfilment,
        problems=problems,
    )


def _groups(cart: Cart, stores: dict[StoreId, Store], now: datetime) -> list[GroupView]:
    chosen = {line.fulfilment for line in cart.lines if line.fulfilment}
    groups = []
    for fulfilment in sorted(chosen, key=lambda way: (way.method, way.store or "")):
        skus = [line.sku for line in cart.lines if line.fulfilment == fulfilment]
        promise: Promise | None = None
        if fulfilment.store in stores:
            promise = promise_of(stores[fulfilment.store], now)
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
