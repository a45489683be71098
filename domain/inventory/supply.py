"""Available to promise: units that can be sold now, and units that are due until a day.

promisable(day) = max(0, available - reserved + incoming due by day)

That is the sellable and the incoming stock, as long as no more is promised than is there. A kit can
be promised as often as its scarcest part allows; a product that is not tracked has no number.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from msgspec.structs import replace

from domain.catalogue.products import ProductState
from domain.inventory.availability import (
    AvailabilityView,
    Catalogue,
    IncomingQuantity,
    PromisableQuantity,
    SkuAvailability,
    StockLevelMap,
    sellable_units,
    stocked_components,
)
from domain.inventory.consignments import Incoming
from domain.inventory.stock_levels import StockDelta, StockKey, StockLevel
from domain.kernel.ids import Sku, StoreId


def add_supply(
    item: SkuAvailability,
    catalogue: Catalogue,
    levels: Mapping[Sku, StockLevelMap],
    *,
    due: Collection[Incoming],
    by: date,
    view: AvailabilityView,
) -> SkuAvailability:
    """Adds the quantity promisable by a day to the answer; unchanged where there is none."""
    product = catalogue.get(item.sku)
    parts = stocked_components(product, catalogue) if product else {}
    if product is None or not parts or product.state is ProductState.RETIRED:
        return item
    mine = {place: level for part in parts for place, level in levels.get(part, {}).items()}
    then = as_of(mine, (one for one in due if one.sku in parts))
    stores = {store for store, _ in then}
    units = {store: sellable_units(parts, store, then) for store in stores}
    coming = [one for one in due if one.sku == product.sku]

    def at(store: StoreId) -> PromisableQuantity:
        there = [one for one in coming if one.store == store]
        return _to_promisable(units.get(store, 0), there, by, view)

    return replace(
        item,
        promisable=_to_promisable(sum(units.values()), coming, by, view),
        stores=[replace(one, promisable=at(one.store)) for one in item.stores],
    )


def as_of(levels: StockLevelMap, due: Iterable[Incoming]) -> dict[StockKey, StockLevel]:
    """The stock levels as if all due deliveries had come and nothing else had happened."""
    then = dict(levels)
    for one in due:
        place = (one.store, one.sku)
        level = then.get(place, StockLevel(*place))
        then[place] = level.apply(StockDelta(*place, on_hand=one.units))
    return then


def _to_promisable(
    units: int, due: Iterable[Incoming], by: date, view: AvailabilityView
) -> PromisableQuantity:
    days: dict[date, int] = {}
    for one in due:
        if one.due_on:
            days[one.due_on] = days.get(one.due_on, 0) + one.units
    told = view.display_policy.to_displayed
    return PromisableQuantity(
        by, told(units), [IncomingQuantity(on, told(days[on])) for on in sorted(days)]
    )
