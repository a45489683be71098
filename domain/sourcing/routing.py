"""Routing: the choice of the locations that send the goods of an order.

One location for everything where there is one, else as few as it takes: the location that covers
the most whole lines, then the most units; then where the buyer holds it already; then a warehouse
before a dark store before a store, whose goods walk-ins would like to find; then the first by its
key. The same input always has the same result.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from domain.inventory.availability import NO_HELD_UNITS, StockLevelMap
from domain.inventory.stock_levels import StockKey
from domain.kernel.ids import Sku, StoreId
from domain.stores.stores import Store, StoreKind

STORE_KIND_RANK: Final[Mapping[StoreKind, int]] = {
    StoreKind.WAREHOUSE: 0,
    StoreKind.DARK_STORE: 1,
    StoreKind.STORE: 2,
}
QuantityBySku = Mapping[Sku, int]


class RoutedLine(Struct, frozen=True):
    """Units of each SKU by the location that sends them, and units that no location can send."""

    units_by_store: dict[StoreId, dict[Sku, int]]
    unrouted: dict[Sku, int]


class LocationStock(Struct, frozen=True):
    """The goods that may be sent: the `parts` in stock that one unit of each SKU takes.

    A SKU without parts is not counted, and can be sent from everywhere.
    """

    parts: Mapping[Sku, QuantityBySku]
    stock_levels: StockLevelMap
    stores: Mapping[StoreId, Store]
    own_held: Mapping[StockKey, int] = NO_HELD_UNITS
    committed: Mapping[StockKey, int] = NO_HELD_UNITS
    """The units that the same buyer will collect there."""


def route_lines(wanted: QuantityBySku, supply: LocationStock) -> RoutedLine:
    """Chooses the locations that send `wanted`. Units of one SKU may come from several."""
    left = dict(wanted)
    free = _sellable_by_store(supply)
    sent: dict[StoreId, dict[Sku, int]] = {}
    while left:
        offers = [(store, _coverage(store, left, supply.parts, free)) for store in free]
        best = max(offers, key=lambda offer: _score(offer, left, supply), default=None)
        if best is None or not any(best[1].values()):
            break
        store, units = best
        free.pop(store)
        sent[store] = units
        left = {sku: more for sku, count in left.items() if (more := count - units.get(sku, 0))}
    return RoutedLine(sent, left)


def _sellable_by_store(supply: LocationStock) -> dict[StoreId, dict[Sku, int]]:
    """The units that each location may sell, part by part."""
    free: dict[StoreId, dict[Sku, int]] = {store: {} for store in supply.stores}
    for place, level in supply.stock_levels.items():
        if level.store in free:
            units = level.sellable_for(supply.own_held.get(place, 0)) - supply.committed.get(
                place, 0
            )
            free[level.store][level.sku] = max(0, units)
    return free


def _coverage(
    store: StoreId,
    left: QuantityBySku,
    parts: Mapping[Sku, QuantityBySku],
    free: Mapping[StoreId, QuantityBySku],
) -> dict[Sku, int]:
    """Units of each SKU that one location can send; lines that share a part share it."""
    there = dict(free[store])
    covered = {}
    for sku in sorted(left):
        most = min(
            (there.get(part, 0) // each for part, each in parts[sku].items()), default=left[sku]
        )
        if count := min(left[sku], most):
            covered[sku] = count
            for part, each in parts[sku].items():
                there[part] -= each * count
    return covered


def _score(
    offer: tuple[StoreId, QuantityBySku], left: QuantityBySku, supply: LocationStock
) -> tuple[int, int, int, int, list[int]]:
    store, covered = offer
    whole = sum(covered.get(sku, 0) == count for sku, count in left.items())
    own = sum(count for (where, _), count in supply.own_held.items() if where == store)
    rank = STORE_KIND_RANK[supply.stores[store].kind]
    first = [-ord(letter) for letter in store]  # the smaller key is worth more
    return whole, sum(covered.values()), own, -rank, first
