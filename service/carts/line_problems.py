"""Problems that prevent a cart line from being ordered now. No line is dropped silently."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from domain.carts.cart_lines import CartLine
from domain.catalogue.products import Product, ProductState
from domain.inventory.availability import (
    NO_HELD_UNITS,
    StockLevelMap,
    sellable_units,
    stocked_components,
)
from domain.inventory.stock_levels import StockKey
from domain.kernel.ids import WEB, Sku, StoreId
from domain.kernel.money import Money
from domain.stores.stores import Store


class LineProblem(Struct, frozen=True, omit_defaults=True):
    """`seen` is the price the buyer saw, `price` today's; to set the line again accepts it."""

    code: str
    detail: str
    available: int | UnsetType = UNSET
    seen: Money | UnsetType = UNSET
    price: Money | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    coupon: str | UnsetType = UNSET


class LineFacts(Struct, frozen=True):
    """The facts that a cart's lines are compared with; `over` are the limits that SKUs exceed."""

    catalogue: Mapping[Sku, Product]
    stores: Mapping[StoreId, Store]
    over: Mapping[Sku, int]
    levels: StockLevelMap = {}
    own: Mapping[StockKey, int] = NO_HELD_UNITS


def line_problems(line: CartLine, facts: LineFacts, now: datetime) -> list[LineProblem]:
    """Why a line could not be ordered, or not as it was seen; its stock is another question."""
    of_product = product_problems(line, facts)
    known = line.sku in facts.catalogue
    return [*of_product, *_of_fulfilment(line, facts, now)] if known else of_product


def product_problems(line: CartLine, facts: LineFacts) -> list[LineProblem]:
    """Why its product could not be ordered, or not as it was seen, however it is fulfilled."""
    product = facts.catalogue.get(line.sku)
    if product is None:
        return [LineProblem("unknown_sku", "It is not in the catalogue any more.")]
    return list(_of_product(line, product, facts))


def _of_product(line: CartLine, product: Product, facts: LineFacts) -> Iterator[LineProblem]:
    if product.state is ProductState.RETIRED:
        yield LineProblem("retired", "It is no longer sold.")
    if product.price != line.seen:
        yield LineProblem(
            "price_changed", "Its price has changed.", seen=line.seen, price=product.price
        )
    if line.sku in facts.over:
        most = facts.over[line.sku]
        yield LineProblem("quantity_limit", f"One order takes at most {most}.", limit=most)


def _of_fulfilment(line: CartLine, facts: LineFacts, now: datetime) -> Iterator[LineProblem]:
    if line.fulfilment is None:
        yield LineProblem("fulfilment_missing", "Say where it is collected, or that it is sent.")
    elif line.fulfilment.store is not None:
        store = facts.stores.get(line.fulfilment.store)
        if store is None or not store.pickup or store.ready_at(now) is None:
            name = store.name if store else line.fulfilment.store
            yield LineProblem("pickup_unavailable", f"{name} hands no pickups over now.")


def shortage_problem(
    line: CartLine, facts: LineFacts, taken: Counter[StockKey]
) -> list[LineProblem]:
    """Returns the shortage of a line when the lines before it have `taken` their units."""
    product = facts.catalogue.get(line.sku)
    if product is None or line.fulfilment is None:
        return []
    if line.fulfilment.store is None:
        return _shortage_of_all(line, product, facts, taken)
    store = facts.stores.get(line.fulfilment.store)
    if store is None:
        return []
    against = store.find_unavailable_reason(WEB)
    parts = stocked_components(product, facts.catalogue)
    if not parts:
        held = any(place[0] == store.store for place in facts.own)
        free = line.quantity if held or not against else 0
    else:
        free = sellable_units(parts, store.store, facts.levels, facts.own, taken)
    for sku, each in parts.items():
        taken[store.store, sku] += each * min(line.quantity, free)
    if free >= line.quantity:
        return []
    if against:
        return [LineProblem(against, f"{store.name} sells nothing new here.", available=free)]
    return [LineProblem("insufficient_stock", f"There are only {free}.", available=free)]


def _shortage_of_all(
    line: CartLine, product: Product, facts: LineFacts, taken: Counter[StockKey]
) -> list[LineProblem]:
    """Returns the units that all locations together lack for a line that is to be sent."""
    parts = stocked_components(product, facts.catalogue)
    if not parts:
        return []
    left = line.quantity
    for store in sorted({store for store, _ in facts.levels}):
        units = min(left, sellable_units(parts, store, facts.levels, facts.own, taken))
        for sku, each in parts.items():
            taken[store, sku] += each * units
        left -= units
    if not left:
        return []
    free = line.quantity - left
    return [LineProblem("insufficient_stock", f"There are only {free}.", available=free)]
