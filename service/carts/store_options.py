"""Where a whole cart can be collected: in one store, or in two."""

from datetime import datetime
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from domain.carts.carts import Cart
from domain.catalogue.products import ProductState
from domain.foundation.callers import Caller
from domain.inventory.availability import NO_HELD_UNITS, Catalogue, NearbyStore, stocked_components
from domain.kernel.ids import WEB, CartId, Sku, StoreId
from domain.sourcing.store_options import (
    CandidateStore,
    SplitOption,
    StockView,
    StoreShare,
    WantedItem,
    find_best_split,
    stores_with_everything,
)
from domain.stores.promises import compute_promise
from service.carts.queries import get_hold_view
from service.inventory.availability import NearLocation, get_products_with_parts
from service.shared.unit_of_work import Unit, Units

MAX_STORES: Final = 50
"""Stores that are compared: the nearest, or those with the most of the cart."""


class StorePlan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A store that can serve the whole cart; the promise is in its own time."""

    store: StoreId
    name: str
    promised_from: datetime
    promised_until: datetime
    distance_km: float | UnsetType = UNSET


class PlannedUnits(Struct, frozen=True):
    sku: Sku
    quantity: int


class SharePlan(StorePlan, frozen=True, kw_only=True):
    """The part of the cart that one of two stores serves."""

    lines: list[PlannedUnits]


class SplitPlan(Struct, frozen=True):
    """The two stores that serve the most together; `missing` are the units that both lack."""

    covered: int
    stores: list[SharePlan]
    missing: list[PlannedUnits]


class StoreOptions(Struct, frozen=True):
    """`whole` are the stores that can serve all `wanted` units, the earliest first.

    `split` is left out where a single store serves all of it no later.
    """

    as_of: datetime
    wanted: int
    whole: list[StorePlan]
    split: SplitPlan | None


async def plan_store_options(
    units: Units, *, caller: Caller, cart: CartId, around: NearLocation | None, limit: int
) -> StoreOptions:
    """Returns the stores that could serve the cart now, whatever its fulfilment; nothing is held.

    Raises NotFound: there is no such cart, or it belongs to another customer.
    """
    async with units.read() as unit:
        found = await unit.carts.carts.get(cart)
        found.ensure_access(caller)
        catalogue = await get_products_with_parts(unit, {line.sku for line in found.lines})
        places, lying = await _load_stock(unit, found, catalogue, around)
    wishes = _wishes(found, catalogue)
    candidates = _candidates(places, wishes, lying, unit.now)
    whole = stores_with_everything(wishes, candidates, lying) if wishes else []
    split = find_best_split(wishes, candidates, lying)
    if split and whole and split.since >= whole[0].promise.since:
        split = None
    return StoreOptions(
        unit.now,
        sum(wish.quantity for wish in wishes),
        [StorePlan(**_to_view(one)) for one in whole[:limit]],
        _split_plan(wishes, split) if split else None,
    )


async def _load_stock(
    unit: Unit, cart: Cart, catalogue: Catalogue, around: NearLocation | None
) -> tuple[list[NearbyStore], StockView]:
    """Returns the stores around a point, or all that have any of the units, with their stock."""
    near = (
        await unit.stores.stores.list_near(around.latitude, around.longitude, around.radius_km)
        if around
        else None
    )
    only = None if near is None else [store.store for store, _ in near]
    sold = (
        await unit.inventory.sellable_stock.get_for_channel(WEB, catalogue, only)
        if catalogue
        else None
    )
    hold = await get_hold_view(unit, cart)
    levels = sold[0].apply_to_all(sold[1]) if sold else {}
    lying = StockView(levels, hold.units_by_key if hold else NO_HELD_UNITS)
    if near is not None:
        return [NearbyStore(store, km) for store, km in near], lying
    holders = await unit.stores.stores.get_many({store for store, _ in levels})
    return [NearbyStore(holders[store]) for store in sorted(holders)], lying


def _wishes(cart: Cart, catalogue: Catalogue) -> list[WantedItem]:
    """Returns the quantity that the cart wants of each SKU, over all lines."""
    wanted: dict[Sku, int] = {}
    for line in cart.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    sold = {
        sku for sku in wanted if sku in catalogue and catalogue[sku].state is ProductState.ACTIVE
    }
    return [
        WantedItem(
            sku, units, stocked_components(catalogue[sku], catalogue) if sku in sold else None
        )
        for sku, units in wanted.items()
    ]


def _candidates(
    places: list[NearbyStore], wishes: list[WantedItem], lying: StockView, now: datetime
) -> list[CandidateStore]:
    """Those that hand over and have any of it; a promise is worked out for no other."""
    free = {
        place.store.store: sum(lying.sellable_units(wish, place.store) for wish in wishes)
        for place in places
        if place.store.pickup
    }
    useful = [place for place in places if free.get(place.store.store)]
    useful.sort(key=lambda one: (one.distance_km or 0.0, -free[one.store.store], one.store.store))
    promised = [(place, compute_promise(place.store, now)) for place in useful[:MAX_STORES]]
    return [
        CandidateStore(place.store, promise, place.distance_km)
        for place, promise in promised
        if promise
    ]


def _split_plan(wishes: list[WantedItem], split: SplitOption) -> SplitPlan:
    served = {
        wish.sku: sum(share.units.get(wish.sku, 0) for share in split.shares) for wish in wishes
    }
    missing = [
        PlannedUnits(wish.sku, wish.quantity - served[wish.sku])
        for wish in wishes
        if served[wish.sku] < wish.quantity
    ]
    return SplitPlan(split.covered, [_share_plan(share) for share in split.shares], missing)


def _share_plan(share: StoreShare) -> SharePlan:
    lines = [PlannedUnits(sku, units) for sku, units in share.units.items()]
    return SharePlan(**_to_view(share.candidate), lines=lines)


def _to_view(one: CandidateStore) -> dict[str, Any]:
    return {
        "store": one.store.store,
        "name": one.store.name,
        "promised_from": one.promise.since,
        "promised_until": one.promise.until,
        "distance_km": UNSET if one.distance_km is None else round(one.distance_km, 1),
    }
