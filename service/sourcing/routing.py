"""Routing: the locations that send the shipped lines of carts."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from domain.inventory.availability import NO_HELD_UNITS, Catalogue, stocked_components
from domain.inventory.stock_levels import InsufficientStock, Shortage, StockKey, StockLevel
from domain.kernel.errors import TransactionConflict
from domain.kernel.ids import WEB, Sku, StoreId
from domain.sourcing.routing import LocationStock, RoutedLine, route_lines
from domain.stores.stores import Store
from service.shared.unit_of_work import Unit


class ShippingLocations(Struct, frozen=True):
    """Who could send which SKUs, as the shelves are now; nothing is locked."""

    parts: Mapping[Sku, Mapping[Sku, int]]
    levels: Mapping[StockKey, StockLevel]
    stores: Mapping[StoreId, Store]

    def route(
        self,
        wanted: Mapping[Sku, int],
        *,
        own: Mapping[StockKey, int] = NO_HELD_UNITS,
        taken: Mapping[StockKey, int] = NO_HELD_UNITS,
    ) -> RoutedLine:
        """Returns the locations that send these units of each SKU.

        `own` are the units that the buyer holds, `taken` those taken otherwise. A location that
        sells nothing new through the web still sends the units held there.
        """
        if not wanted:
            return RoutedLine({}, {})
        held_at = {store for store, _ in own}
        serving = {
            name: one for name, one in self.stores.items() if one.serves(WEB) or name in held_at
        }
        parts = {sku: self.parts[sku] for sku in wanted}
        return route_lines(wanted, LocationStock(parts, self.levels, serving, own, taken))

    def can_spare(self, wanted: Mapping[StockKey, int]) -> bool:
        """Whether enough units are free at all the locations that send."""
        return all(
            self.levels[place].sellable >= count
            for place, count in wanted.items()
            if place in self.levels
        )

    def units(self, routed: RoutedLine) -> Counter[StockKey]:
        """Returns the units that the routing takes of each stock level."""
        taken: Counter[StockKey] = Counter()
        for store, units in routed.units_by_store.items():
            for sku, count in units.items():
                for part, each in self.parts[sku].items():
                    taken[store, part] += each * count
        return taken


async def get_shipping_locations(
    unit: Unit, skus: Collection[Sku], catalogue: Catalogue
) -> ShippingLocations:
    """Returns the locations that can send these SKUs; none where nothing is sent."""
    if not skus:
        return ShippingLocations({}, {}, {})
    parts = {sku: stocked_components(catalogue[sku], catalogue) for sku in skus}
    needed = {*skus, *(part for of_one in parts.values() for part in of_one)}
    sold = await unit.inventory.sellable_stock.get_for_channel(WEB, needed)
    assert sold is not None, "every retailer sells in the web"
    terms, levels = sold
    if all(parts.values()):
        stores = await unit.stores.stores.get_many({store for store, _ in levels})
    else:
        stores = await unit.stores.stores.list_all()
    return ShippingLocations(parts, terms.apply_to_all(levels), stores)


def ensure_shippable(found: RoutedLine, wanted: Mapping[Sku, int]) -> None:
    """Raises InsufficientStock: all locations together have too little."""
    if found.unrouted:
        shortages = [
            Shortage(sku, None, wanted[sku], wanted[sku] - short)
            for sku, short in sorted(found.unrouted.items())
        ]
        raise InsufficientStock(shortages, {(None, sku): [sku] for sku in found.unrouted})


def may_be_elsewhere(short: Iterable[Shortage], collected: Collection[StockKey]) -> None:
    """Raises TransactionConflict where only shipped lines are short.

    Their units were taken a moment ago; a retry routes them elsewhere, or finds none.
    """
    if all((one.store, one.sku) not in collected for one in short):
        raise TransactionConflict("The units to send were taken a moment ago.")
