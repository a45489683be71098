"""A cart as its owner sees it: names, prices, availability and promises as they are now."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from domain.availability import NOTHING_HELD, Shelves, sellable_units, stocked_parts
from domain.callers import Caller
from domain.carts import (
    Cart,
    CartLine,
    CartState,
    Fulfilment,
    stores_of,
)
from domain.catalogue import Product, ProductState
from domain.holds import Hold
from domain.ids import WEB, CartId, OrderId, Sku, StoreId
from domain.money import Money
from domain.promises import Promise, promise_of
from domain.stock import Place
from domain.stores import Store
from service.availability import with_parts
from service.ports.unit import Unit, Units


class LineProblem(Struct, frozen=True, omit_defaults=True):
    """What stands in the way of ordering a line; nothing is ever dropped silently."""

    code: str
    detail: str
    available: int | UnsetType = UNSET
    seen: Money | UnsetType = UNSET
    price: Money | UnsetType = UNSET


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
    order: OrderId | None = None


async def look(units: Units, *, caller: Caller, cart: CartId, locale: str) -> CartView:
    """Raises Missing: there is no such cart, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.carts.get(cart)
        found.must_open_to(caller)
        return await seen(unit, found, locale)


async def seen(unit: Unit, cart: Cart, locale: str) -> CartView:
    """The cart with today's names, prices and availability; problems say what changed."""
    catalogue = await with_parts(unit, [line.sku for line in cart.lines])
    stores = await unit.stores.by_id(stores_of(cart.lines))
    is_sent = any(line.fulfilment and line.fulfilment.store is None for line in cart.lines)
    places = None if is_sent else stores
    asked = catalogue and (is_sent or stores)
    sold = await unit.selling.sold(WEB, catalogue, places) if asked else None
    shelves: Shelves = sold[0].seen(sold[1]) if sold else {}
    kept = await _kept(unit, cart)
    facts = Facts(catalogue, stores, shelves, kept.places if kept else {})
    lines = [_line_view(line, facts, unit.now, locale) for line in cart.lines]
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
        order=cart.order,
    )


async def _kept(unit: Unit, cart: Cart) -> Hold | None:
    """The cart's hold, while it counts."""
    if cart.hold is None:
        return None
    hold = await unit.holds.get(cart.hold)
    return hold if hold.counts_at(unit.now) else None


def _line_view(line: CartLine, facts: "Facts", now: datetime, locale: str) -> LineView:
    product = facts.catalogue[line.sku]
    return LineView(
        sku=line.sku,
        name=product.name_in(locale),
        quantity=line.quantity,
        unit_price=product.price,
        total=product.price * line.quantity,
        fulfilment=line.fulfilment,
        problems=[*problems_of(line, facts, now), *_shortage(line, facts)],
    )


class Facts(Struct, frozen=True):
    """What a cart's lines are compared with."""

    catalogue: Mapping[Sku, Product]
    stores: Mapping[StoreId, Store]
    shelves: Shelves = {}
    own: Mapping[Place, int] = NOTHING_HELD


def problems_of(line: CartLine, facts: Facts, now: datetime) -> list[LineProblem]:
    """Why a line could not be ordered, or not as it was seen; its stock is another question."""
    product = facts.catalogue[line.sku]
    problems = []
    if product.state is ProductState.RETIRED:
        problems.append(LineProblem("retired", "It is no longer sold."))
    if product.price != line.seen:
        problems.append(
            LineProblem(
                "price_changed", "Its price has changed.", seen=line.seen, price=product.price
            )
        )
    if line.fulfilment is None:
        return [*problems, LineProblem("fulfilment_missing", "Say where it is to be collected.")]
    if line.fulfilment.store is None:
        return problems
    store = facts.stores[line.fulfilment.store]
    if not store.pickup or store.ready_at(now) is None:
        problems.append(LineProblem("pickup_unavailable", f"{store.name} hands nothing over now."))
    return problems


def _shortage(line: CartLine, facts: Facts) -> list[LineProblem]:
    if line.fulfilment is None:
        return []
    parts = stocked_parts(facts.catalogue[line.sku], facts.catalogue)
    if line.fulfilment.store is None:
        return _shortage_of_all(line, parts, facts)
    store = facts.stores[line.fulfilment.store]
    against = store.reason_against(WEB)
    if not parts:
        held = any(place[0] == store.store for place in facts.own)
        free = line.quantity if held or not against else 0
    else:
        free = sellable_units(parts, store.store, facts.shelves, facts.own)
    if free >= line.quantity:
        return []
    if against:
        return [LineProblem(against, f"{store.name} sells nothing new here.", available=free)]
    return [LineProblem("insufficient_stock", f"There are only {free}.", available=free)]


def _shortage_of_all(line: CartLine, parts: Mapping[Sku, int], facts: Facts) -> list[LineProblem]:
    """Of what is to be sent, whichever location sends it."""
    if not parts:
        return []
    stores = {store for store, _ in facts.shelves}
    free = sum(sellable_units(parts, store, facts.shelves, facts.own) for store in stores)
    if free >= line.quantity:
        return []
    return [LineProblem("insufficient_stock", f"There are only {free}.", available=free)]


def _groups(cart: Cart, stores: dict[StoreId, Store], now: datetime) -> list[GroupView]:
    chosen = {line.fulfilment for line in cart.lines if line.fulfilment}
    groups = []
    for fulfilment in sorted(chosen, key=lambda way: (way.method, way.store or "")):
        skus = [line.sku for line in cart.lines if line.fulfilment == fulfilment]
        promise: Promise | None = None
        if fulfilment.store:
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
