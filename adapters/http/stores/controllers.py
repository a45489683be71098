"""Where the stores are, when they are open, and whether one may collect there."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.http.web.authentication import ANYONE, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.geo import Near, RadiusKm, parse_search_area
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Role
from domain.kernel.ids import StoreId
from domain.stores.stores import Store
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import NearLocation
from service.orders import store_closing as closing
from service.orders.store_closing import DisabledStore
from service.shared.unit_of_work import Unit, Units

OffersPickup = Annotated[
    bool | None, QueryParameter(name="pickup", description="Only stores that offer it, or do not.")
]


class StoreView(Store, frozen=True, kw_only=True):
    """A store, and its distance from the place that the caller named."""

    distance_km: float | UnsetType = UNSET


class Disable(Struct, forbid_unknown_fields=True):
    """Decides whether open work may end as it would have."""

    drain: bool = False


class Stores(Controller):
    path = "/v1/stores"
    tags = ("stores",)

    @get(operation_id="list_stores", **callers(*ANYONE))
    async def list_stores(
        self,
        units: NamedDependency[Units],
        near: Near = None,
        radius_km: RadiusKm = None,
        collects: OffersPickup = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[StoreView]:
        """List every store by its key, or those near a place, the nearest first."""
        async with units.read() as unit:
            if circle := parse_search_area(near, radius_km):
                last = decode_cursor(cursor, tuple[float, StoreId]) or (-1.0, "")
                found = await _list_near(unit, circle, collects, last)
                return to_page(found, limit, lambda store: (store.distance_km, store.store))
            after = decode_cursor(cursor, str) or ""
            stores = await unit.stores.stores.list_page(after, limit + 1, pickup=collects)
        return to_page([_to_view(store) for store in stores], limit, lambda store: store.store)

    @get("/{store:str}", operation_id="get_store", **callers(*ANYONE))
    async def get_store(self, store: FromPath[StoreId], units: NamedDependency[Units]) -> Store:
        """Get a store: its address, hours, exceptions, time zone, pickup rules and channels."""
        async with units.read() as unit:
            return await unit.stores.stores.get(store)

    @post(
        "/{store:str}/disable",
        operation_id="disable_store",
        status_code=200,
        **callers(Role.OFFICE, scope="stock"),
    )
    async def disable_store(
        self,
        store: FromPath[StoreId],
        data: JSONBody[Disable],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> DisabledStore:
        """Disable a store for new work; with `drain` its open work is finished first.

        No hold, no order and no transfer to it begins; old ones end as they would have, and its
        tills go on. With nothing open it is `closed` at once, else `draining` until it is, which
        happens by itself. Ask again to see the open work. Without `drain`, 409 `store_in_use` names
        the first hundred of each that is open, and counts all.
        """
        return await closing.disable_store(units, store=store, drain=data.drain, key=optional_key)

    @post(
        "/{store:str}/enable",
        operation_id="enable_store",
        status_code=200,
        **callers(Role.OFFICE, scope="stock"),
    )
    async def enable_store(
        self,
        store: FromPath[StoreId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - an empty body
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Store:
        """Enable a store, so that it sells again."""
        return await closing.enable_store(units, store=store, key=optional_key)


async def _list_near(
    unit: Unit, circle: NearLocation, collects: bool | None, last: tuple[float, StoreId]
) -> list[StoreView]:
    stores = await unit.stores.stores.list_near(circle.latitude, circle.longitude, circle.radius_km)
    found = [(round(km, 3), store) for store, km in stores]
    return [
        _to_view(store, km)
        for km, store in sorted(found, key=lambda each: (each[0], each[1].store))
        if (km, store.store) > last and collects in {None, store.pickup}
    ]


def _to_view(store: Store, distance_km: float | UnsetType = UNSET) -> StoreView:
    return StoreView(**structs.asdict(store), distance_km=distance_km)
