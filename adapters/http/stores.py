"""Where the stores are, when they are open, and whether one may collect there."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import UNSET, UnsetType, structs

from adapters.http.callers import ANYBODY, called_by
from adapters.http.paging import Cursor, Limit, Page, page_of, unseal
from adapters.http.places import Near, RadiusKm, around
from domain.ids import StoreId
from domain.stores import Store
from service.availability import Around
from service.ports.unit import Unit, Units

Collects = Annotated[
    bool | None, QueryParameter(name="pickup", description="Only stores that offer it, or do not.")
]


class StoreFound(Store, frozen=True, kw_only=True):
    """A store, and how far it is from where somebody asked."""

    distance_km: float | UnsetType = UNSET


class Stores(Controller):
    path = "/v1/stores"
    tags = ("stores",)

    @get(operation_id="list_stores", **called_by(*ANYBODY))
    async def many(
        self,
        units: NamedDependency[Units],
        near: Near = None,
        radius_km: RadiusKm = None,
        collects: Collects = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[StoreFound]:
        """Every store by its key, or those near a place, the nearest first."""
        async with units.read() as unit:
            if circle := around(near, radius_km):
                last = unseal(cursor, tuple[float, StoreId]) or (-1.0, "")
                found = await _near(unit, circle, collects, last)
                return page_of(found, limit, lambda store: (store.distance_km, store.store))
            after = unseal(cursor, str) or ""
            stores = await unit.stores.page(after, limit + 1, pickup=collects)
        return page_of([_found(store) for store in stores], limit, lambda store: store.store)

    @get("/{store:str}", operation_id="get_store", **called_by(*ANYBODY))
    async def one(self, store: FromPath[StoreId], units: NamedDependency[Units]) -> Store:
        """A store: its address, hours, exceptions, time zone, and its rules of pickup."""
        async with units.read() as unit:
            return await unit.stores.get(store)


async def _near(
    unit: Unit, circle: Around, collects: bool | None, last: tuple[float, StoreId]
) -> list[StoreFound]:
    stores = await unit.stores.near(circle.latitude, circle.longitude, circle.radius_km)
    found = [(round(km, 3), store) for store, km in stores]
    return [
        _found(store, km)
        for km, store in sorted(found, key=lambda each: (each[0], each[1].store))
        if (km, store.store) > last and collects in {None, store.pickup}
    ]


def _found(store: Store, distance_km: float | UnsetType = UNSET) -> StoreFound:
    return StoreFound(**structs.asdict(store), distance_km=distance_km)
